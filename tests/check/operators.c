/* The document of the operators, docs/operators.md, from their table.
 *
 *     operators            prints it
 *     operators DOCUMENT   ends with 1 where the document is another */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "network/operators.h"

static const char head[] =
    "# Operators\n"
    "\n"
    "The operators of ONNX that nnpeek computes, made from its table (`make operators`). Opsets are those "
    "whose "
    "definitions are\n"
    "implemented; the newest known one is %d. Numbers of all floating-point types are computed in single "
    "precision, "
    "integers in the\n"
    "type they are declared as. What an operator cannot do (a form, a type), it refuses in one sentence with "
    "its name, "
    "the node and\n"
    "the opset. `Constant` and functions that the file defines are put in place when it is read. *Captured*: "
    "an activation function, whose output a capture takes by default. *Trained*: gradients go "
    "through it.\n"
    "\n"
    "%lld operators:\n"
    "\n"
    "| operator | opsets | captured | trained |\n"
    "|---|---|---|---|\n";

static int by_name(const void *a, const void *b)
{
    const peek__operator *x = *(const peek__operator *const *)a, *z = *(const peek__operator *const *)b;
    int order = strcmp(x->name, z->name);
    return order ? order : x->first - z->first;
}

static void print(FILE *out)
{
    const peek__operator *row[1024];
    int64_t rows = 0, names = 0;
    while (rows < 1024 && peek__operator_row(rows)) {
        row[rows] = peek__operator_row(rows);
        rows++;
    }
    qsort(row, (size_t)rows, sizeof *row, by_name);
    for (int64_t i = 0; i < rows; i++) names += i == 0 || strcmp(row[i]->name, row[i - 1]->name) != 0;
    fprintf(out, head, PEEK__NEWEST_OPSET, (long long)names);
    for (int64_t i = 0, next; i < rows; i = next) {
        int activation = 0, trained = 0;
        fprintf(out, "| %s | ", row[i]->name);
        for (next = i; next < rows && strcmp(row[next]->name, row[i]->name) == 0; next++) {
            activation |= row[next]->activation;
            trained |= row[next]->backward != NULL;
            fprintf(out, "%s", next > i ? ", " : "");
            if (row[next]->last)
                fprintf(out, "%d to %d", row[next]->first, row[next]->last);
            else
                fprintf(out, "%d on", row[next]->first);
        }
        fprintf(out, " | %s | %s |\n", activation ? "yes" : "", trained ? "yes" : "");
    }
}

static char *read_all(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = calloc(1, 1 << 20);
    if (file && text) fread(text, 1, (1 << 20) - 1, file);
    if (file) fclose(file);
    return text;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print(stdout);
        return 0;
    }
    char *made = NULL, *there = read_all(argv[1]);
    size_t size;
    FILE *stream = open_memstream(&made, &size);
    if (!stream || !there) return 1;
    print(stream);
    fclose(stream);
    int same = strcmp(made, there) == 0;
    if (!same) printf("%s is not what the table of operators says: run `make operators`\n", argv[1]);
    free(made);
    free(there);
    return !same;
}

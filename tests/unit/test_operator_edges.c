/* Operators where ONNX's own vectors do not reach: odd forms, and what must end in a sentence. Every case is
 * one node run once; expected numbers are NumPy's (from 1.25 on: before, wide margins that wrap were out of
 * phase). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "network/run.h"

enum { INPUTS = 4, NUMBERS = 16, ATTRIBUTES = 4 };

/* A tensor of floats ("f") or int64 ("i") with one dimension, or the given shape; kind NULL: there is none. */
typedef struct given {
    const char *kind;
    int count;
    double number[NUMBERS];
    int dimensions;
    int64_t shape[4];
} given;

typedef struct attribute {
    const char *name;
    const char *text;
    int64_t integer;
} attribute;

typedef struct edge {
    const char *op;
    int opset;
    given input[INPUTS];
    attribute attribute[ATTRIBUTES];
    const char *sentence; /* part of it; NULL: it runs, and makes `made` */
    given made;
} edge;

#define NUMBERS_OF(...)                                                                                        \
    {                                                                                                          \
        __VA_ARGS__                                                                                            \
    }
#define SHAPED(kind, count, numbers, dimensions, lengths)                                                      \
    {                                                                                                          \
        kind, count, numbers, dimensions, lengths                                                              \
    }
#define FLOATS(count, ...)   SHAPED("f", count, NUMBERS_OF(__VA_ARGS__), 0, {0})
#define INTEGERS(count, ...) SHAPED("i", count, NUMBERS_OF(__VA_ARGS__), 0, {0})

static const edge edges[] = {
    /* np.pad([1, 2, 3], (5, 4), "reflect") and so on: margins wider than x */
    {"Pad",
     18,
     {FLOATS(3, 1, 2, 3), INTEGERS(2, 5, 4)},
     {{"mode", "reflect", 0}},
     NULL,
     FLOATS(12, 2, 1, 2, 3, 2, 1, 2, 3, 2, 1, 2, 3)},
    {"Pad",
     19,
     {FLOATS(3, 1, 2, 3), INTEGERS(2, 4, 2)},
     {{"mode", "wrap", 0}},
     NULL,
     FLOATS(9, 3, 1, 2, 3, 1, 2, 3, 1, 2)},
    {"Pad", 18, {INTEGERS(1, 7), INTEGERS(2, 1, 2)}, {{"mode", "reflect", 0}}, NULL, INTEGERS(4, 7, 7, 7, 7)},
    {"Pad", 11, {FLOATS(4, 1, 2, 3, 4), INTEGERS(2, -1, 2)}, {{0}}, NULL, FLOATS(5, 2, 3, 4, 0, 0)},
    {"Pad", 18, {FLOATS(0, 0), INTEGERS(2, 1, 0)}, {{"mode", "edge", 0}}, "nothing to fill", {0}},
    {"Pad", 18, {FLOATS(2, 1, 2), INTEGERS(2, -3, 0)}, {{0}}, "cuts more", {0}},
    {"Pad", 18, {FLOATS(2, 1, 2), INTEGERS(2, -0x1p62, 0x1p62)}, {{0}}, "impossible", {0}},
    {"Pad", 18, {FLOATS(2, 1, 2), INTEGERS(3, 0, 0, 0)}, {{0}}, "3 margins for 1 dimensions", {0}},
    {"Pad", 18, {FLOATS(1, 1), INTEGERS(2, 1, 1)}, {{"mode", "wrap", 0}}, "'wrap' is none", {0}},
    {"Resize", 10, {FLOATS(3, 1, 2, 3), FLOATS(1, 2)}, {{0}}, NULL, FLOATS(6, 1, 1, 2, 2, 3, 3)},
    /* ONNX's own test of opset 10, and floor(40 * 0.7) in single precision */
    {"Resize",
     10,
     {SHAPED("f", 8, NUMBERS_OF(1, 2, 3, 4, 5, 6, 7, 8), 2, NUMBERS_OF(2, 4)), FLOATS(2, 0.6, 0.6)},
     {{0}},
     NULL,
     SHAPED("f", 2, NUMBERS_OF(1, 3), 2, NUMBERS_OF(1, 2))},
    {"Resize",
     13,
     {FLOATS(10, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9), {0}, FLOATS(1, 0.7)},
     {{"coordinate_transformation_mode", "asymmetric", 0}, {"nearest_mode", "floor", 0}},
     NULL,
     FLOATS(7, 0, 1, 2, 4, 5, 7, 8)},
    {"Resize",
     13,
     {FLOATS(5, 0, 1, 2, 3, 4), {0}, FLOATS(1, 1.2)},
     {{"coordinate_transformation_mode", "asymmetric", 0}, {"nearest_mode", "floor", 0}},
     NULL,
     FLOATS(6, 0, 0, 1, 2, 3, 4)},
    {"Resize", 13, {FLOATS(3, 1, 2, 3), {0}, FLOATS(1, 0)}, {{0}}, "scale 0 is impossible", {0}},
    {"Resize", 13, {FLOATS(3, 1, 2, 3), {0}, FLOATS(1, NAN)}, {{0}}, "impossible", {0}},
    {"Resize", 13, {FLOATS(3, 1, 2, 3), {0}, FLOATS(1, 1e30)}, {{0}}, "impossible", {0}},
    {"Resize",
     13,
     {FLOATS(3, 1, 2, 3), {0}, FLOATS(1, 2), INTEGERS(1, 6)},
     {{0}},
     "either scales or sizes",
     {0}},
    {"Resize", 13, {FLOATS(3, 1, 2, 3)}, {{0}}, "either scales or sizes", {0}},
    {"Resize",
     13,
     {INTEGERS(2, 1, 2), {0}, FLOATS(1, 2)},
     {{"mode", "linear", 0}},
     "of the type int64, for which it is not there",
     {0}},
    {"GatherElements", 13, {FLOATS(3, 1, 2, 3), INTEGERS(2, -1, 0)}, {{0}}, NULL, FLOATS(2, 3, 1)},
    {"GatherElements", 13, {FLOATS(3, 1, 2, 3), INTEGERS(1, 3)}, {{0}}, "index 3 is outside 3 entries", {0}},
    {"ScatterElements",
     18,
     {INTEGERS(3, 1, 2, 3), INTEGERS(3, 0, 0, -1), INTEGERS(3, 5, 7, -9)},
     {{"reduction", "max", 0}},
     NULL,
     INTEGERS(3, 7, 2, 3)},
    {"TopK", 11, {FLOATS(3, 1, 2, 3), INTEGERS(1, 4)}, {{0}}, "4 numbers of 3", {0}},
    {"TopK", 11, {FLOATS(4, 2, NAN, 3, 2), INTEGERS(1, 3)}, {{0}}, NULL, FLOATS(3, NAN, 3, 2)},
    {"ArgMax", 13, {FLOATS(0, 0)}, {{0}}, "of no numbers", {0}},
    {"OneHot", 11, {INTEGERS(1, 0), INTEGERS(1, 0), FLOATS(2, 0, 1)}, {{0}}, "depth 0 is impossible", {0}},
    {"Trilu",
     14,
     {SHAPED("f", 4, NUMBERS_OF(1, 2, 3, 4), 2, NUMBERS_OF(2, 2)), INTEGERS(1, 0x1p62)},
     {{0}},
     NULL,
     SHAPED("f", 4, NUMBERS_OF(0, 0, 0, 0), 2, NUMBERS_OF(2, 2))},
    {"DepthToSpace",
     13,
     {SHAPED("f", 2, NUMBERS_OF(1, 2), 4, NUMBERS_OF(1, 2, 1, 1))},
     {{"blocksize", NULL, INT64_C(1) << 40}},
     "blocksize",
     {0}},
    {"DepthToSpace",
     13,
     {SHAPED("f", 2, NUMBERS_OF(1, 2), 4, NUMBERS_OF(1, 2, 1, 1))},
     {{"blocksize", NULL, 2}},
     "no squares",
     {0}},
    {"Det", 11, {SHAPED("f", 2, NUMBERS_OF(1, 2), 2, NUMBERS_OF(1, 2))}, {{0}}, "no square matrices", {0}},
    {"Det",
     11,
     {SHAPED("f", 0, NUMBERS_OF(0), 2, NUMBERS_OF(0, 0))},
     {{0}},
     NULL,
     SHAPED("f", 1, NUMBERS_OF(1), -1, NUMBERS_OF(0))},
    {"CumSum", 14, {FLOATS(2, 1, 2), INTEGERS(1, 1)}, {{0}}, "axis 1 is outside", {0}},
    {"ReverseSequence",
     10,
     {SHAPED("f", 2, NUMBERS_OF(1, 2), 2, NUMBERS_OF(2, 1)), INTEGERS(1, 3)},
     {{0}},
     "3 long, of 2",
     {0}},
    {"TensorScatter",
     24,
     {SHAPED("f", 2, NUMBERS_OF(1, 2), 3, NUMBERS_OF(1, 2, 1)),
      SHAPED("f", 1, NUMBERS_OF(5), 3, NUMBERS_OF(1, 1, 1)), INTEGERS(1, 2)},
     {{0}},
     "1 entries from 2 on, of 2",
     {0}},
    {"Compress", 11, {FLOATS(2, 1, 2), INTEGERS(3, 0, 0, 1)}, {{0}}, "number 2 of 2", {0}},
    {"Unique", 11, {FLOATS(4, 2, 1, 2, NAN)}, {{0}}, NULL, FLOATS(3, 1, 2, NAN)},
    {"Bernoulli", 15, {FLOATS(1, 0.5)}, {{0}}, "random numbers", {0}},
    {"GridSample",
     16,
     {SHAPED("f", 2, NUMBERS_OF(1, 3), 4, NUMBERS_OF(1, 1, 1, 2)),
      SHAPED("f", 4, NUMBERS_OF(0, 0, NAN, INFINITY), 4, NUMBERS_OF(1, 1, 2, 2))},
     {{"padding_mode", "border", 0}},
     NULL,
     SHAPED("f", 2, NUMBERS_OF(2, 1), 4, NUMBERS_OF(1, 1, 1, 2))},
    /* PyTorch's grid_sample and affine_grid */
    {"GridSample",
     16,
     {SHAPED("f", 2, NUMBERS_OF(0, 1), 4, NUMBERS_OF(1, 1, 1, 2)),
      SHAPED("f", 4, NUMBERS_OF(2, 0, 1e20, 0), 4, NUMBERS_OF(1, 1, 2, 2))},
     {{"mode", "cubic", 0}, {"padding_mode", "border", 0}, {"align_corners", NULL, 1}},
     NULL,
     SHAPED("f", 2, NUMBERS_OF(1.09375, 1), 4, NUMBERS_OF(1, 1, 1, 2))},
    {"AffineGrid",
     20,
     {SHAPED("f", 6, NUMBERS_OF(1, 10, 100, 1000, 10000, 0), 3, NUMBERS_OF(1, 2, 3)), INTEGERS(4, 1, 1, 1, 3)},
     {{"align_corners", NULL, 1}},
     NULL,
     SHAPED("f", 6, NUMBERS_OF(99, -1000, 100, 0, 101, 1000), 4, NUMBERS_OF(1, 1, 3, 2))},
    {"Col2Im",
     18,
     {SHAPED("f", 2, NUMBERS_OF(1, 2), 3, NUMBERS_OF(1, 2, 1)), INTEGERS(2, 2, 2), INTEGERS(2, 2, 2)},
     {{0}},
     "blocks of 4 values",
     {0}},
    {"RoiAlign",
     16,
     {SHAPED("f", 1, NUMBERS_OF(1), 4, NUMBERS_OF(1, 1, 1, 1)),
      SHAPED("f", 4, NUMBERS_OF(0, 0, 1, 1), 2, NUMBERS_OF(1, 4)), INTEGERS(1, 1)},
     {{0}},
     "image 1 is outside 1",
     {0}},
    {"Attention",
     23,
     {SHAPED("f", 6, NUMBERS_OF(0), 3, NUMBERS_OF(1, 1, 6)),
      SHAPED("f", 6, NUMBERS_OF(0), 3, NUMBERS_OF(1, 1, 6)),
      SHAPED("f", 6, NUMBERS_OF(0), 3, NUMBERS_OF(1, 1, 6))},
     {{"q_num_heads", NULL, 4}, {"kv_num_heads", NULL, 2}},
     "not those of 4 heads",
     {0}},
    {"Attention",
     25,
     {SHAPED("f", 1, NUMBERS_OF(0), 4, NUMBERS_OF(1, 1, 1, 1)),
      SHAPED("f", 1, NUMBERS_OF(0), 4, NUMBERS_OF(1, 1, 1, 1)),
      SHAPED("f", 1, NUMBERS_OF(0), 4, NUMBERS_OF(1, 1, 1, 1))},
     {{"left_window_size", NULL, -2}},
     "window",
     {0}},
    {"RotaryEmbedding",
     23,
     {SHAPED("f", 2, NUMBERS_OF(1, 2), 4, NUMBERS_OF(1, 1, 1, 2)),
      SHAPED("f", 1, NUMBERS_OF(1), 2, NUMBERS_OF(1, 1)), SHAPED("f", 1, NUMBERS_OF(0), 2, NUMBERS_OF(1, 1)),
      SHAPED("i", 1, NUMBERS_OF(1), 2, NUMBERS_OF(1, 1))},
     {{0}},
     "position 1 is outside 1",
     {0}},
    /* np.einsum("i,j->ji", [1, 2], [3, 4, 5]) and so on */
    {"Einsum",
     12,
     {INTEGERS(2, 1, 2), INTEGERS(3, 3, 4, 5)},
     {{"equation", "i,j->ji", 0}},
     NULL,
     SHAPED("i", 6, NUMBERS_OF(3, 6, 4, 8, 5, 10), 2, NUMBERS_OF(3, 2))},
    {"Einsum",
     12,
     {SHAPED("i", 4, NUMBERS_OF(1, 2, 3, 4), 2, NUMBERS_OF(2, 2)),
      SHAPED("i", 4, NUMBERS_OF(5, 6, 7, 8), 2, NUMBERS_OF(2, 2)), INTEGERS(2, 1, 2)},
     {{"equation", "ij,jk,k->i", 0}},
     NULL,
     INTEGERS(2, 63, 143)},
    {"Einsum",
     12,
     {SHAPED("f", 0, NUMBERS_OF(0), 2, NUMBERS_OF(2, 0))},
     {{"equation", "ij->i", 0}},
     NULL,
     FLOATS(2, 0, 0)},
    {"Einsum", 12, {FLOATS(0, 0), FLOATS(1, 2)}, {{"equation", "i,i->i", 0}}, NULL, FLOATS(0, 0)},
    {"Einsum",
     12,
     {FLOATS(2, 1, 2), FLOATS(3, 1, 2, 3)},
     {{"equation", "i,i->i", 0}},
     "'i,i->i' does not fit",
     {0}},
    {"Einsum", 12, {FLOATS(2, 1, 2)}, {{"equation", "i,i->i", 0}}, "does not fit", {0}},
    {"Einsum",
     12,
     {SHAPED("f", 3, NUMBERS_OF(1, 2, 3), 2, NUMBERS_OF(1, 3))},
     {{"equation", "ii->i", 0}},
     "does not fit",
     {0}},
    {"Einsum", 12, {FLOATS(2, 1, 2)}, {{"equation", "i->ii", 0}}, "does not fit", {0}},
    {"Einsum", 12, {FLOATS(2, 1, 2)}, {{"equation", "i->j", 0}}, "does not fit", {0}},
    {"Einsum", 12, {FLOATS(2, 1, 2)}, {{"equation", "i->i!", 0}}, "does not fit", {0}},
    {"Einsum", 12, {FLOATS(2, 1, 2)}, {{"equation", "...ij->...", 0}}, "does not fit", {0}},
    {"Einsum", 12, {FLOATS(2, 1, 2)}, {{0}}, "does not fit", {0}},
    {"Einsum", 12, {FLOATS(2, 1, 2), INTEGERS(2, 1, 2)}, {{"equation", "i,i->", 0}}, "not of one type", {0}},
    {"Einsum",
     12,
     {SHAPED("f", 1, NUMBERS_OF(2), 4, NUMBERS_OF(1, 1, 1, 1)),
      SHAPED("f", 1, NUMBERS_OF(3), 4, NUMBERS_OF(1, 1, 1, 1)), FLOATS(1, 1)},
     {{"equation", "abcd,efgh,i->abcdefghi", 0}},
     "more than 8 dimensions",
     {0}},
    {"Einsum",
     12,
     {SHAPED("f", 16, NUMBERS_OF(1), 4, NUMBERS_OF(2, 2, 2, 2)),
      SHAPED("f", 16, NUMBERS_OF(1), 4, NUMBERS_OF(2, 2, 2, 2)), FLOATS(2, 1, 1),
      SHAPED("f", 8, NUMBERS_OF(1), 3, NUMBERS_OF(2, 2, 2))},
     {{"equation", "abcd,efgh,i,iab->cdefgh", 0}},
     "more than 8 dimensions",
     {0}},
    /* torch.nn.functional.cross_entropy and nll_loss */
    {"SoftmaxCrossEntropyLoss",
     13,
     {SHAPED("f", 6, NUMBERS_OF(1, 2, 3, 0, 0, 0), 2, NUMBERS_OF(2, 3)), INTEGERS(2, 2, 0), FLOATS(3, 1, 2, 4)},
     {{0}},
     NULL,
     SHAPED("f", 1, NUMBERS_OF(0.5458072423934937), -1, {0})},
    {"SoftmaxCrossEntropyLoss",
     13,
     {SHAPED("f", 6, NUMBERS_OF(1, 2, 3, 0, 0, 0), 2, NUMBERS_OF(2, 3)), INTEGERS(2, 2, 0), FLOATS(3, 1, 2, 4)},
     {{"ignore_index", NULL, 0}},
     NULL,
     SHAPED("f", 1, NUMBERS_OF(0.40760594606399536), -1, {0})},
    {"SoftmaxCrossEntropyLoss",
     13,
     {SHAPED("f", 6, NUMBERS_OF(1, 2, 3, 0, 0, 0), 2, NUMBERS_OF(2, 3)), INTEGERS(2, 0, 0)},
     {{"ignore_index", NULL, 0}},
     NULL,
     SHAPED("f", 1, NUMBERS_OF(NAN), -1, {0})},
    {"NegativeLogLikelihoodLoss",
     13,
     {SHAPED("f", 6, NUMBERS_OF(1, 2, 3, 0, 0, 0), 2, NUMBERS_OF(2, 3)), INTEGERS(2, 2, 0)},
     {{"reduction", "sum", 0}},
     NULL,
     SHAPED("f", 1, NUMBERS_OF(-3), -1, {0})},
    {"NegativeLogLikelihoodLoss",
     13,
     {SHAPED("f", 6, NUMBERS_OF(1, 2, 3, 0, 0, 0), 2, NUMBERS_OF(2, 3)), INTEGERS(2, 3, 0)},
     {{0}},
     "class 3 is outside 3",
     {0}},
    {"NegativeLogLikelihoodLoss",
     13,
     {SHAPED("f", 6, NUMBERS_OF(1, 2, 3, 0, 0, 0), 2, NUMBERS_OF(2, 3)), INTEGERS(3, 0, 0, 0)},
     {{0}},
     "are not those of",
     {0}},
    {"NegativeLogLikelihoodLoss",
     13,
     {SHAPED("f", 6, NUMBERS_OF(1, 2, 3, 0, 0, 0), 2, NUMBERS_OF(2, 3)), INTEGERS(2, 0, 0)},
     {{"reduction", "most", 0}},
     "'most' is not known",
     {0}},
};

static peek_context *context;

#define OK(call)                                                                                               \
    do {                                                                                                       \
        if ((call) != PEEK_OK) fail_msg("%s", peek_error(context));                                            \
    } while (0)

static peek__tensor make_tensor(const given *from)
{
    peek__tensor made = {.type = from->kind[0] == 'f' ? PEEK__TYPE_FLOAT : PEEK__TYPE_INT64};
    int64_t count = from->count;
    OK(peek__tensor_shape(context, &made, "given", from->dimensions ? from->dimensions : 1,
                          from->dimensions ? from->shape : &count));
    OK(peek__tensor_allocate(context, &made, "a test"));
    for (int i = 0; i < from->count; i++)
        if (made.type == PEEK__TYPE_FLOAT)
            made.floats[i] = (float)from->number[i];
        else
            made.integers[i] = (int64_t)from->number[i];
    return made;
}

static peek_network *make_network(const edge *e, peek__tensor *inputs, int64_t *count)
{
    static const char *const names[INPUTS] = {"a", "b", "c", "d"};
    const char *named[INPUTS], *output = "y";
    peek_network *network;
    peek__node *node;
    OK(peek__graph_create(context, &network));
    network->opset = e->opset;
    OK(peek__copy_text(context, &network->name, "test"));
    OK(peek__copy_text(context, &network->producer, "test"));
    int last = 0;
    *count = 0;
    for (int i = 0; i < INPUTS; i++) {
        named[i] = e->input[i].kind ? names[i] : "";
        if (!e->input[i].kind) continue;
        inputs[*count] = make_tensor(&e->input[i]);
        OK(peek__graph_input(context, network, names[i], inputs[*count].type, -1, NULL, NULL));
        last = i + 1;
        ++*count;
    }
    OK(peek__graph_node(context, network, e->op, "tested", last, named, 1, &output, &node));
    for (const attribute *a = e->attribute; a < e->attribute + ATTRIBUTES && a->name; a++) {
        peek__attribute *made;
        OK(peek__graph_attribute(context, node, a->name,
                                 a->text ? PEEK__ATTRIBUTE_TEXT : PEEK__ATTRIBUTE_INTEGER, &made));
        made->integer = a->integer;
        if (a->text) OK(peek__copy_text(context, &made->text, a->text));
    }
    OK(peek__graph_output(context, network, "y", PEEK__TYPE_NONE, -1, NULL, NULL));
    OK(peek__graph_connect(context, network));
    return network;
}

static void compare(const edge *e, const peek__tensor *y)
{
    const given *made = &e->made;
    int64_t dimensions = made->dimensions > 0 ? made->dimensions : made->dimensions == 0;
    if (y->dimensions != dimensions || y->size != made->count)
        fail_msg("%s makes %lld numbers in %d dimensions", e->op, (long long)y->size, y->dimensions);
    for (int i = 0; i < made->count; i++) {
        double got = peek__is_float(y->type) ? y->floats[i] : (double)y->integers[i], wanted = made->number[i];
        if (fabs(got - wanted) > 1e-6 || isnan(got) != isnan(wanted))
            fail_msg("%s makes %g at %d, not %g", e->op, got, i, wanted);
    }
}

static void edges_are_right(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
        const edge *e = &edges[i];
        peek__tensor inputs[INPUTS], y = {0};
        int64_t count;
        peek_network *network = make_network(e, inputs, &count);
        peek_status status = peek__network_run(context, network, count, inputs, 1, &y);
        if (!e->sentence) {
            if (status != PEEK_OK) fail_msg("%s", peek_error(context));
            compare(e, &y);
        } else {
            if (status == PEEK_OK) fail_msg("%s runs, though \"%s\"", e->op, e->sentence);
            if (!strstr(peek_error(context), e->sentence) || !strstr(peek_error(context), "tested") ||
                !strstr(peek_error(context), e->op))
                fail_msg("\"%s\" does not say \"%s\"", peek_error(context), e->sentence);
        }
        for (int64_t n = 0; n < count; n++) peek__free(&inputs[n].data);
        peek__free(&y.data);
        peek_network_free(&network);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(edges_are_right)};
    if (peek_context_create(&context, NULL) != PEEK_OK) return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    peek_context_free(&context);
    return failed;
}

/* Seeds that are files of our own, as they are written today, and JPEG files: `seeds FOLDER`, into folders of
 * their targets in FOLDER. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "case.h"
#include "run.h"
#include "store/file.h"
#include "study/recipe.h"

/* The first byte of a case, then a file. */
static void put(const char *folder, const char *target, const char *name, char letter, const char *bytes,
                int64_t size)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s/%s", folder, target, name);
    FILE *file = fopen(path, "wb");
    fuzz_must(file && fputc(letter, file) == letter && fwrite(bytes, 1, (size_t)size, file) == (size_t)size &&
                  fclose(file) == 0,
              "a seed can be written");
}

static void put_file(peek_context *context, const char *folder, const char *target, const char *name,
                     char letter, const char *path)
{
    char *bytes;
    int64_t size;
    fuzz_must(peek__file_read(context, path, 1 << 24, &bytes, &size) == PEEK_OK, "a file of ours can be read");
    put(folder, target, name, letter, bytes, size);
    free(bytes);
}

/* Stops at the event that the counter comes to zero at. */
static int count_down(const peek_event *event, void *user)
{
    (void)event;
    return --*(int *)user == 0;
}

/* Checkpoints of a fit that is stopped at every event in turn, up to its end. */
static void put_fits(const char *folder)
{
    peek_status status = PEEK_E_STOPPED;
    int there = 0;
    for (int events = 1; status == PEEK_E_STOPPED; events++) {
        char name[32];
        int left = events;
        peek_context *context;
        peek_context_options options;
        peek_context_options_default(&options);
        options.threads = 1;
        options.event = count_down;
        options.user = &left;
        const char *checkpoint = fuzz_remove("fit.checkpoint");
        fuzz_must(peek_context_create(&context, &options) == PEEK_OK, "a context can be made");
        status = run_fit(context, checkpoint);
        snprintf(name, sizeof name, "fit-%d", events);
        if (status == PEEK_E_STOPPED && peek__is_file(checkpoint)) {
            put_file(context, folder, "fuzz_checkpoint", name, 3, checkpoint);
            there++;
        }
        peek_context_free(&context);
    }
    fuzz_must(status == PEEK_OK && there > 0, "a fit that is stopped leaves a checkpoint");
}

/* A JPEG file: values 1 grey, 3 colour, 4 CMYK. exif: how it lies, 0: it does not say. */
static void put_jpeg(const char *folder, const char *name, int values, int progressive, int exif)
{
    enum { WIDTH = 19, HEIGHT = 10 };
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    unsigned char *bytes = NULL, line[4 * WIDTH], *lines[1] = {line},
                  tag[] = "Exif\0\0II*\0\10\0\0\0\1\0\22\1\3\0\1\0\0\0\0\0\0\0\0\0\0";
    unsigned long size = 0;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &bytes, &size);
    jpeg.image_width = WIDTH;
    jpeg.image_height = HEIGHT;
    jpeg.input_components = values;
    jpeg.in_color_space = values == 1 ? JCS_GRAYSCALE : values == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 60, TRUE);
    if (progressive) jpeg_simple_progression(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    tag[24] = (unsigned char)exif;
    if (exif) jpeg_write_marker(&jpeg, JPEG_APP0 + 1, tag, sizeof tag - 1);
    for (int y = 0; y < HEIGHT; y++) {
        for (int i = 0; i < WIDTH * values; i++) line[i] = (unsigned char)(i * 7 + y * 20);
        jpeg_write_scanlines(&jpeg, lines, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    put(folder, "fuzz_picture", name, (char)exif, (const char *)bytes, (int64_t)size);
    free(bytes);
}

int main(int argc, char **argv)
{
    char letter, name[64];
    const char *file, *json, *title;
    if (argc != 2) return 2;
    peek_context *context = fuzz_begin(0);
    const char *run = fuzz_folder("run");
    run_make(run);
    for (int i = 0; (file = run_document(i, &letter)); i++) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", run, file);
        put_file(context, argv[1], "fuzz_json", strrchr(path, '/') + 1, letter, path);
    }
    for (int64_t i = 0; (json = peek__recipe_builtin(i, &file, &title)); i++) {
        snprintf(name, sizeof name, "recipe-%s.json", file);
        put(argv[1], "fuzz_json", name, 'r', json, (int64_t)strlen(json));
    }
    const char *checkpoint = fuzz_path("checkpoint");
    fuzz_must(run_train(context, checkpoint, 1) == PEEK_OK, "a small training runs");
    put_file(context, argv[1], "fuzz_checkpoint", "whole", 0, checkpoint);
    put_file(context, argv[1], "fuzz_checkpoint", "mended", 1, checkpoint);
    put_fits(argv[1]);
    put_jpeg(argv[1], "grey.jpg", 1, 0, 0);
    put_jpeg(argv[1], "colour.jpg", 3, 0, 0);
    put_jpeg(argv[1], "cmyk.jpg", 4, 0, 0);
    put_jpeg(argv[1], "progressive.jpg", 3, 1, 0);
    put_jpeg(argv[1], "sideways.jpg", 3, 0, 6);
    peek_context_free(&context);
    return 0;
}

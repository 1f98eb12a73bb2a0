// libpng, which nobody annotated: an image is written and read back by functions of the program's. The buffer that errors jump to is in libpng's memory; the
// program jumps there, or libpng does.
//# libs: -lpng
//# level: R3
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct bytes { unsigned char *at; size_t len, pos; };
static int errors, warnings;

static void put(png_structp p, png_bytep data, size_t len) {
    struct bytes *b = png_get_io_ptr(p);
    b->at = realloc(b->at, b->len + len);
    memcpy(b->at + b->len, data, len);
    b->len += len;
}
static void flush(png_structp p) {}
static void get(png_structp p, png_bytep data, size_t len) {
    struct bytes *b = png_get_io_ptr(p);
    if (b->len - b->pos < len) png_error(p, "no more bytes");
    memcpy(data, b->at + b->pos, len);
    b->pos += len;
}
static void fail(png_structp p, png_const_charp text) {
    int *n = png_get_error_ptr(p);
    ++*n;
    printf("error: %s\n", text);
    if (errors % 2) longjmp(png_jmpbuf(p), 1);
    png_longjmp(p, 1);
}
static void warn(png_structp p, png_const_charp text) { warnings++; printf("warning: %s\n", text); }

static int write_it(struct bytes *to, unsigned w, unsigned h, unsigned char seed) {
    png_structp p = png_create_write_struct(PNG_LIBPNG_VER_STRING, &errors, fail, warn);
    png_infop info = png_create_info_struct(p);
    png_bytep row = malloc(w * 3);
    if (setjmp(png_jmpbuf(p))) { png_destroy_write_struct(&p, &info); free(row); return -1; }
    png_set_write_fn(p, to, put, flush);
    png_set_IHDR(p, info, w, h, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_text t = {.compression = PNG_TEXT_COMPRESSION_NONE, .key = "Title", .text = "a picture"};
    png_set_text(p, info, &t, 1);
    png_write_info(p, info);
    for (unsigned y = 0; y < h; y++) {
        for (unsigned x = 0; x < w * 3; x++) row[x] = (unsigned char)(x * y + seed);
        png_write_row(p, row);
    }
    png_write_end(p, info);
    png_destroy_write_struct(&p, &info);
    free(row);
    return 0;
}
static long read_it(struct bytes *from) {
    png_structp p = png_create_read_struct(PNG_LIBPNG_VER_STRING, &errors, fail, warn);
    png_infop info = png_create_info_struct(p);
    png_bytepp rows = NULL;
    unsigned char *all = NULL;
    volatile long sum = 0;
    if (setjmp(png_jmpbuf(p))) { png_destroy_read_struct(&p, &info, NULL); return -1 - sum; }
    png_set_read_fn(p, from, get);
    png_read_info(p, info);
    png_uint_32 w, h; int depth, type;
    png_get_IHDR(p, info, &w, &h, &depth, &type, NULL, NULL, NULL);
    png_set_filler(p, 0xff, PNG_FILLER_AFTER);
    png_read_update_info(p, info);
    size_t stride = png_get_rowbytes(p, info);
    all = malloc(stride * h); rows = malloc(h * sizeof *rows);
    for (unsigned y = 0; y < h; y++) rows[y] = all + y * stride;
    png_read_image(p, rows);
    png_read_end(p, NULL);
    for (size_t i = 0; i < stride * h; i++) sum = sum * 31 + all[i];
    png_textp t; int n = 0;
    if (png_get_text(p, info, &t, &n)) printf("%d %s: %s\n", n, t->key, t->text);
    printf("%u x %u, %d, %d, %zu\n", w, h, depth, type, stride);
    png_destroy_read_struct(&p, &info, NULL);
    free(rows); free(all);
    return sum;
}
int main(void) {
    struct bytes b = {0};
    unsigned char seed = 0;
    if (getcwd((char[512]){0}, 512)) seed = 7;
    printf("%d\n", write_it(&b, 61, 40, seed));
    printf("%ld\n", read_it(&b) & 0xffff);
    for (int i = 0; i < 4; i++) {
        b.pos = 0;
        b.len = b.len * 2 / 3;
        printf("%ld\n", read_it(&b) & 0xffff);
    }
    printf("%d %d\n", errors, warnings);
    return 0;
}

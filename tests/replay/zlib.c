// zlib: streams with its allocation functions (and in tests/targets with others), a stream inside a structure, checksums, files.
//# libs: -lz
//# level: R3
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#ifndef WAYS
#define WAYS 1
#endif

struct job {
    char name[16];
    z_stream s;
    unsigned char out[512];
};

static long room;
static unsigned char in[20000], packed[20000], back[20001];

static void *own_alloc(void *opaque, unsigned items, unsigned size) {
    room += (long)items * size;
    return calloc(items, size);
}

static void own_free(void *opaque, void *p) {
    free(p);
}

static size_t pack(int own) {
    struct job *j = calloc(1, sizeof *j);
    strcpy(j->name, own ? "own" : "library");
    if (own) {
        j->s.zalloc = own_alloc;
        j->s.zfree = own_free;
    }
    if (deflateInit(&j->s, 6) != Z_OK) abort();
    j->s.next_in = in;
    j->s.avail_in = sizeof in;
    size_t at = 0;
    int r;
    do {
        j->s.next_out = j->out;
        j->s.avail_out = sizeof j->out;
        r = deflate(&j->s, Z_FINISH);
        size_t got = j->s.next_out - j->out;
        if (at + got > sizeof packed) abort();
        memcpy(packed + at, j->out, got);
        at += got;
    } while (r == Z_OK);
    printf("%s %d: %lu -> %d, %s\n", j->name, r, j->s.total_in, j->s.total_out == at, j->s.msg ? j->s.msg : "-");
    deflateEnd(&j->s);
    free(j);
    return at;
}

static void unpack(int own, size_t m) {
    z_stream s;
    memset(&s, 0, sizeof s);
    if (own) {
        s.zalloc = own_alloc;
        s.zfree = own_free;
    }
    if (inflateInit2(&s, 15 + 32) != Z_OK) abort();
    s.next_in = packed;
    s.next_out = back;
    int r;
    do {
        s.avail_in = m - s.total_in < 1000 ? m - s.total_in : 1000;
        s.avail_out = back + sizeof back - s.next_out;
        r = inflate(&s, Z_NO_FLUSH);
    } while (r == Z_OK);
    printf("%d %lu %d\n", r, s.total_out, memcmp(in, back, sizeof in));
    inflateEnd(&s);
}

int main(void) {
    for (unsigned i = 0, x = 1; i < sizeof in; i++, x = x * 1103515245 + 12345) in[i] = "ten words "[x >> 16 & 3] + i / 5000;
    for (int own = 0; own < WAYS; own++) unpack(own, pack(own));
    uLongf length = sizeof packed, restored = sizeof back;
    printf("%d crc %lx adler %lx\n", compress(packed, &length, in, sizeof in), crc32(crc32(0, NULL, 0), in, sizeof in), adler32(1, in, 100));
    memset(back, 0, sizeof back);
    int r = uncompress(back, &restored, packed, length);
    printf("%d %lu %d\n", r, restored, memcmp(in, back, sizeof in));
    packed[length / 2] ^= 1;
    printf("%d\n", uncompress(back, &restored, packed, length));
    char name[] = "/tmp/zlib-XXXXXX", line[100];
    gzFile g = gzdopen(mkstemp(name), "wb");
    gzprintf(g, "%d lines of %s\n", 3, "text");
    gzputs(g, "and another\n");
    gzwrite(g, in, 100);
    gzclose(g);
    g = gzopen(name, "rb");
    for (int i = 0; i < 2 && gzgets(g, line, sizeof line); i++) printf("> %s", line);
    int c, sum = 0, error;
    for (int i = 0; i < 20 && (c = gzgetc(g)) != -1; i++) sum += c;
    r = gzread(g, back, 1000);
    printf("%d %d %s\n", sum, r, gzerror(g, &error));
    gzclose(g);
    unlink(name);
    printf("%d %d\n", strcmp(zlibVersion(), "1.") > 0, room > 0 == WAYS > 1);
    return 0;
}

// A header's static function that allocates, as two sources define it: their memory is one object, of which the environment writes a part.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct block {
    struct block *next;
    char text[64];
    int number;
};
static struct block *all;

#define HEADER(NAME, LABEL)                              \
    static void NAME(int file, int number) __asm__(LABEL); \
    static void NAME(int file, int number) {             \
        struct block *b = malloc(sizeof *b);             \
        if (b && read(file, b->text, sizeof b->text) == sizeof b->text) { \
            b->number = number;                          \
            b->next = all;                               \
            all = b;                                     \
        }                                                \
    }
#line 1 "twins.h"
HEADER(add, "add.1")
#line 1 "twins.h"
HEADER(add_too, "add.2")
#line 1 "twins.h"
HEADER(add_never, "add.3")

int main(int argc, char **argv) {
    int file = open("/proc/self/exe", O_RDONLY);
    for (int i = 0; i < 40; i++) (i % 3 ? add : add_too)(file, i);
    if (argc > 100) add_never(file, 0);
    for (struct block *b = all; b; b = b->next)
        if (b->number % 13 == 0) printf("%d %d %c\n", b->number, b->text[0] == 127, b->number == 0 ? b->text[1] : '-');
    return argc < 1 || argv[0] == NULL;
}

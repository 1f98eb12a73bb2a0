/* A library whose annotations (lies.toml) say other things than it does. */
#include <string.h>

static int *other;
static int count;

/* Writes beyond the length it is given. */
void fill(char *to, unsigned n) { memset(to, 'x', n + 4); }

/* Writes through a second pointer. */
int both(int *a, int *b)
{
    *a = 1;
    *b = 2;
    return 3;
}

/* Keeps a pointer, and writes through it later. */
void keep(int *p) { other = p; }
int later(void)
{
    *other += 1;
    return *other;
}

/* Is no function of its arguments: it changes memory of the program that it was told of before. */
int pure(int x)
{
    if (other != 0)
        *other = x;
    return x + ++count;
}

/* Tells the truth. */
void honest(char *to, unsigned n) { memset(to, 'y', n); }

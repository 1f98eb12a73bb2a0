// What runs at exit has its frames on the program's stack: their addresses are the same at replay, and what lies in
// them is memory of replay space.
//# level: R3
//# opt: -O0 -O2
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned long where;
static char kept[32];

static void inner(char *to, const char *from) {
    strcpy(to, from);
    where ^= (unsigned long)to;
}

static void at_exit(void) {
    char word[32];
    int a[3] = { 1, 2, 3 };
    inner(word, "on the stack");
    where += (unsigned long)&a[word[0] & 1];
    strcpy(kept, word);
    printf("%s\n", kept);
}

int main(void) {
    atexit(at_exit);
    return 0;
}

// A stream gets a buffer that the analysis can't tell from the rest of the program's memory.
//# log-below: 20000
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static long *blocks[100];

int main(int argc, char **argv) {
    for (int i = 0; i < 100; i++) {
        blocks[i] = calloc(512, sizeof **blocks);
        if (!blocks[i]) return 1;
        for (int k = 0; k < 512; k++) blocks[i][k] = i * k;
    }
    FILE *f = fopen("/proc/self/cmdline", "r");
    if (!f || setvbuf(f, (char *)blocks[99], _IOFBF, 4096)) return 2;
    setbuf(stderr, (char *)blocks[98] - 0 * argc);
    int c = 0, n = 0;
    while (n < 3 && (c = getc(f)) != EOF) n++;
    fprintf(stderr, "%d characters\n", n);
    if (fclose(f)) return 3;
    setbuf(stderr, NULL);
    long sum = 0;
    for (int round = 0; round < 20; round++)
        for (int i = 0; i < 98; i++)
            for (int k = 0; k < 512; k++) sum += blocks[i][k] ^ round;
    printf("%ld\n", sum);
    return argv[0] == NULL;
}

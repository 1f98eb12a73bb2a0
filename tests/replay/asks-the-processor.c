// Functions that ask the processor what it has, or work on messages of name servers, write none of the program's memory but what is theirs: the process stays
// alone, and what a function without annotation could write, if it were called, is not in the log.
//# level: R3
//# log-below: 6000
#include <resolv.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct state {
    char name[64];
    unsigned long sums[64];
};

static struct state here;
void nobody_knows(struct state *s);
__asm__(".globl nobody_knows\nnobody_knows:\nmovb $65, (%rdi)\nret");

int main(int argc, char **argv) {
    static const unsigned char message[] = "\0\0\0\0\0\0\0\0\0\0\0\0\3www\7example\3org\0";
    int seed = getpid() > 0;
    __builtin_cpu_init();
    printf("%d\n", __builtin_cpu_supports("sse2") != 0);
    if (argc > 5) nobody_knows(&here);
    printf("%d\n", dn_expand(message, message + sizeof message, message + 12, here.name, sizeof here.name));
    printf("%s %d\n", here.name, dn_skipname(message + 12, message + sizeof message));
    for (int k = 0; k < 100; k++)
        for (int i = 0; i < 64; i++) here.sums[i] = here.sums[(i * 7 + k) % 64] * 3 + i + seed + strlen(here.name);
    printf("%lu\n", here.sums[9]);
    return 0;
}

// A buffer of setjmp that an unannotated function may write, so that it is the environment's: a replay has another one in its place.
//# status: 3
//# level: R3
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

struct state {
    jmp_buf back;
    int count;
};

void nobody_knows(struct state *s);
__asm__(".globl nobody_knows\nnobody_knows:\nmov $41, %eax\nmov %eax, 200(%rdi)\nret");

int main(void) {
    struct state *s = malloc(sizeof *s);
    nobody_knows(s);
    if (setjmp(s->back)) {
        printf("back with %d\n", ++s->count);
        return 3;
    }
    puts("first");
    longjmp(s->back, 1);
}

// Code that constants leave out refers to what does not exist: a plain build drops it, too.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct task {
    void (*action)(struct task *);
    int number;
};
void never_defined(struct task *t);
extern int never_there;

static void one(struct task *t) {
    printf("one %d\n", t->number);
}

int main(int argc, char **argv) {
    struct task *t = calloc(1, sizeof *t);
    unsigned options = getopt(argc, argv, "abc");
    t->number = getppid() > 0;
    if (options & 1) t->action = one;
    if (options & 0) t->action = never_defined;
    if ((options & 2) * 0) never_defined(t);
    if (t->action) t->action(t);
    return options & 0 ? never_there : 0;
}

// _exit: no handlers, no flush.
//# status: 5
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static void never(void) { puts("never"); }
int main(void) { atexit(never); printf("%d\n", getppid() > 0); fflush(stdout); _exit(5); }

// atexit handlers run in order and their output is replayed; status from exit.
//# status: 42
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static void a(void) { printf("a %d\n", getpid() > 0); }
static void b(void) { puts("b"); }
__attribute__((constructor)) static void early(void) { puts("early"); }
__attribute__((destructor)) static void late(void) { puts("late"); }
int main(void) { atexit(a); atexit(b); fprintf(stderr, "to stderr\n"); exit(42); }

// An atomic operation that works on memory of the library when it is given an argument.
#include <netdb.h>
#include <stdio.h>

static int own;

__attribute__((noinline)) static int bump(int *p) { return __atomic_fetch_add(p, 1, __ATOMIC_SEQ_CST); }

int main(int argc, char **argv) {
    struct addrinfo hints = { .ai_flags = AI_NUMERICHOST }, *list;
    if (getaddrinfo("127.0.0.1", "80", &hints, &list)) return 1;
    int r = bump(&own);
    if (argc > 1) r += bump(&list->ai_flags) > 0;
    printf("%d %d\n", r, own);
    freeaddrinfo(list);
    (void)argv;
    return 0;
}

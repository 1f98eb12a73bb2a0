// A library that is not there is looked for; the program goes on without it.
#include <dlfcn.h>
#include <stdio.h>

int main(void) {
    void *library = dlopen("libthat-nobody-has.so.9", RTLD_LAZY);
    printf("%d\n", library == NULL);
    if (library) return dlsym(library, "answer") != NULL;
    printf("%d\n", dlerror() != NULL);
    return 0;
}

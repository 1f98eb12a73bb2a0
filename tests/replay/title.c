// The arguments lie one behind the other and the environment variables behind them: a title is written over the arguments, as libuv does.
//# args: one three
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

int main(int argc, char **argv)
{
    char *end = argv[0];
    for (int i = 0; i < argc; i++) {
        printf("%d", argv[i] == end);
        end = argv[i] + strlen(argv[i]) + 1;
    }
    for (char **e = environ; *e; e++) {
        if (*e < end)
            printf("no");
        end = *e + strlen(*e) + 1;
    }
    printf("\n");

    char *start = argv[0], *last = argv[argc - 1] + strlen(argv[argc - 1]);
    char *copies = strdup(argv[2]);
    snprintf(start, (size_t)(last - start), "%s", "a title");
    memset(start + 7, 0, (size_t)(last - start - 7));
    printf("%s, was %s\n", start, copies);
    free(copies);
    return 0;
}

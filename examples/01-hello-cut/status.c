/* Reports the status line of a response on standard input, and copies its body to a file. */
#include <stdio.h>
#include <stdlib.h>

static char body[1 << 16];

int main(void)
{
    char line[128];
    size_t total = 0, n;
    FILE *out = tmpfile();

    if (out == NULL || fgets(line, sizeof line, stdin) == NULL)
        return 2;
    int status = atoi(line + 9);
    while ((n = fread(body, 1, sizeof body, stdin)) > 0) {
        if (fwrite(body, 1, n, out) != n)
            return 2;
        total += n;
    }
    printf("status %d, %zu bytes\n", status, total);
    return status == 200 ? 0 : 1;
}

// Formats that store where printf prints, or have scanf allocate memory: known before, or not.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
    int n = -1;
    char *word = NULL;
    const char *how = argc > 1 ? argv[1] : "", *format = argc > 2 ? argv[2] : "%d\n";
    if (strcmp(how, "print") == 0) fprintf(stderr, format, 12, &n);
    else if (strcmp(how, "print-known") == 0) fprintf(stderr, "%d%n\n", 12, &n);
    else if (strcmp(how, "scan") == 0) sscanf("a word", format, &word);
    else if (strcmp(how, "scan-known") == 0) sscanf("a word", "a %ms", &word);
    printf("%d %s\n", n, word ? word : "-");
    return 0;
}

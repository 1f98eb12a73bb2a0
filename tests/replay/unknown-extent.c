// A call of which nobody knows how much it writes makes what it reaches the environment's once it is made, and never is.
//# log-below: 20000
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node {
    struct node *next;
    long value;
    char text[16];
};

int main(int argc, char **argv) {
    struct node *list = NULL;
    for (int i = 0; i < 1000; i++) {
        struct node *n = calloc(1, sizeof *n);
        if (!n) return 1;
        *n = (struct node){list, i, "text"};
        list = n;
    }
    long sum = 0;
    for (int round = 0; round < 200; round++)
        for (struct node *n = list; n; n = n->next) sum += n->value ^ round ^ n->text[round % 16];
    printf("%ld\n", sum);
    if (argc > 100) printf("%d\n", sscanf(argv[1], argv[2], list->text, argc > 200 ? (void *)list : (void *)&list->value));
    return 0;
}

// Tokens of text, and delimiters, that lie in memory of the environment, because an unannotated function may have written them; arrays there that
// are sorted and searched.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct head {
    char *name, *list;
    int *numbers;
    struct pair *pairs;
};
struct pair {
    long key;
    char text[24];
};
void nobody_knows(struct head *h);
__asm__(".globl nobody_knows\nnobody_knows:\nxor %eax, %eax\nret");

__attribute__((noinline)) static char *copy(const char *s) {
    size_t n = strlen(s) + 1;
    char *d = malloc(n);
    return d ? memcpy(d, s, n) : NULL;
}

static int by_value(const void *a, const void *b) {
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

static int by_text(const void *a, const void *b) {
    const struct pair *x = a, *y = b;
    int text = strcmp(x->text, y->text);
    return text ? text : (x->key > y->key) - (x->key < y->key);
}

static int count(char *text, const char *delimiters) {
    int n = 0;
    for (char *t = strtok(text, delimiters); t; t = strtok(NULL, delimiters)) n += 1 + (t[0] == 'r');
    return n;
}

int main(int argc, char **argv) {
    struct head *h = calloc(1, sizeof *h);
    h->name = copy(getenv("PATH") ? "test,raw,,last" : "-");
    h->list = copy(", ");
    h->numbers = malloc(100 * sizeof *h->numbers);
    h->pairs = malloc(50 * sizeof *h->pairs);
    nobody_knows(h);
    for (int i = 0; i < 100; i++) h->numbers[i] = i * 7919 % 101;
    for (int i = 0; i < 50; i++) {
        h->pairs[i].key = i;
        snprintf(h->pairs[i].text, sizeof h->pairs[i].text, "%d", i * 31 % 17);
    }
    printf("%d\n", count(h->name, ","));
    char own[] = "some own, text";
    printf("%d\n", count(own, h->list));
    char *mine = copy("a b,c");
    printf("%d %s\n", count(mine, h->list), mine);
    qsort(h->numbers, 100, sizeof *h->numbers, by_value);
    qsort(h->pairs, 50, sizeof *h->pairs, by_text);
    long sum = 0;
    for (int i = 0; i < 100; i++) sum = sum * 31 + h->numbers[i];
    for (int i = 0; i < 50; i++) sum = sum * 31 + h->pairs[i].key;
    int key = 50;
    int *found = bsearch(&key, h->numbers, 100, sizeof key, by_value);
    printf("%ld %td\n", sum, found ? found - h->numbers : -1);
    char *environment = getenv("LC_ALL");
    if (environment) printf("%d %s\n", count(environment, h->list), environment);
    if (argc > 7) {
        h->list = strtok(h->name, " ");
        nobody_knows(h);
    }
    return argv[0] == NULL;
}

// The C library's trees and hash tables: it keeps pointers to what the program has, and hands them out again, but writes nothing there.
//# level: R3
//# log-below: 9000
#define _GNU_SOURCE
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct word {
    char text[16];
    int count;
    unsigned long *sums;
};

static int compared, walked, freed;

static int compare(const void *a, const void *b) {
    compared++;
    return strcmp(((const struct word *)a)->text, ((const struct word *)b)->text);
}
static void show(const void *node, VISIT visit, int depth) {
    const struct word *w = *(struct word *const *)node;
    walked++;
    if (visit == postorder || visit == leaf) printf("%s %d at %d\n", w->text, w->count, depth);
}
static void add_up(const void *node, VISIT visit, void *to) {
    const struct word *w = *(struct word *const *)node;
    if (visit == postorder || visit == leaf) *(int *)to += w->count;
}
static void free_word(void *p) {
    freed++;
    free(((struct word *)p)->sums);
    free(p);
}
static void drop(struct word *w) {
    free(w->sums);
    free(w);
}
static struct word *make(const char *text) {
    struct word *w = calloc(1, sizeof *w);
    w->sums = calloc(32, sizeof *w->sums);
    snprintf(w->text, sizeof w->text, "%s", text);
    return w;
}

int main(void) {
    char text[] = "the cat and the dog and the bird saw a cat and a fish", *part;
    void *root = NULL;
    struct hsearch_data table = {0};
    int base = getpid() > 0, total = 0;
    ENTRY item, *found;
    hcreate(30);
    hcreate_r(30, &table);
    for (part = strtok(text, " "); part; part = strtok(NULL, " ")) {
        struct word *w = make(part), **node = tsearch(w, &root, compare);
        if (*node != w) drop(w);
        w = *node;
        w->count += base;
        for (int k = 0; k < 400; k++)
            for (int i = 0; i < 32; i++) w->sums[i] = w->sums[(i * 5 + k) % 32] * 3 + i + w->count;
        item = (ENTRY){w->text, w};
        found = hsearch(item, ENTER);
        ((struct word *)found->data)->count += 10;
        if (!hsearch_r((ENTRY){part, &w->count}, ENTER, &found, &table)) return 1;
    }
    struct word key = {"cat"}, **node = tfind(&key, &root, compare);
    printf("%s %d %lu\n", (*node)->text, (*node)->count, (*node)->sums[7]);
    struct word *out = *node;
    tdelete(&key, &root, compare);
    printf("%d\n", tfind(&key, &root, compare) == NULL);
    drop(out);
    twalk(root, show);
    twalk_r(root, add_up, &total);
    found = hsearch((ENTRY){"dog"}, FIND);
    printf("%s %d %d\n", found->key, ((struct word *)found->data)->count, hsearch((ENTRY){"horse"}, FIND) == NULL);
    hsearch_r((ENTRY){"fish"}, FIND, &found, &table);
    printf("%s %d\n", found->key, *(int *)found->data);
    printf("%d %d %d\n", total, compared > 20, walked);
    tdestroy(root, free_word);
    hdestroy();
    hdestroy_r(&table);
    printf("%d %d\n", freed, root != NULL);
    return 0;
}

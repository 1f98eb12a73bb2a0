// Threads of the environment beside replayed code: what they write is read from the log, and nothing that they do with
// memory or signals gets into the way.
//# target: weigh:!main:!worker
//# target: weigh:report:!worker
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct job { int n; char *text; struct job *next; };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct job *done;
static volatile int stop;
static long seen, weight;

__attribute__((noinline)) static void weigh(const char *text, int n) {
    char *copy = strdup(text);
    weight = weight * 31 + (long)strlen(copy) + n + copy[0];
    free(copy);
}

__attribute__((noinline)) static void report(void) {
    char *line = malloc(64);
    snprintf(line, 64, "weight %d", weight != 0);
    puts(line);
    free(line);
}

static void *worker(void *arg) {
    for (int i = 0; i < 2000 && !stop; i++) {
        struct job *j = malloc(sizeof *j);
        j->n = i;
        j->text = malloc(32);
        snprintf(j->text, 32, "%s %d", (char *)arg, i);
        pthread_mutex_lock(&lock);
        j->next = done;
        done = j;
        seen++;
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

int main(void) {
    pthread_t t[2];
    char *names[2] = { "left", "right" };
    for (int i = 0; i < 2; i++) pthread_create(&t[i], NULL, worker, names[i]);
    for (int round = 0; round < 50; round++) {
        pthread_mutex_lock(&lock);
        struct job *j = done;
        done = NULL;
        pthread_mutex_unlock(&lock);
        while (j) {
            struct job *next = j->next;
            weigh(j->text, j->n);
            free(j->text);
            free(j);
            j = next;
        }
    }
    stop = 1;
    for (int i = 0; i < 2; i++) pthread_join(t[i], NULL);
    report();
    return 0;
}

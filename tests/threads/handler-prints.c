// Handlers of signals that print interrupt threads that print just now. (They print nothing to be seen: where in a line they come is not the same at replay.)
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINES = 3000, WORKERS = 2 };
static int done;
static volatile sig_atomic_t hit;

static void handler(int signal)
{
    (void)signal;
    hit = 1;
    if (write(1, "", 0) != 0)
        abort();
}

static void *prints(void *arg)
{
    const char *text = "a line of the text that all of them print\n";
    for (int i = 0; i < LINES; i++)
        if (write(1, text, strlen(text)) != (ssize_t)strlen(text))
            abort();
    __atomic_add_fetch(&done, 1, __ATOMIC_SEQ_CST);
    return arg;
}

int main(void)
{
    struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };
    pthread_t thread[WORKERS];
    sigaction(SIGUSR1, &action, NULL);
    for (int i = 0; i < WORKERS; i++)
        pthread_create(&thread[i], NULL, prints, NULL);
    for (int i = 0; __atomic_load_n(&done, __ATOMIC_SEQ_CST) < WORKERS; i++) {
        pthread_kill(thread[i % WORKERS], SIGUSR1);
        usleep(50);
    }
    for (int i = 0; i < WORKERS; i++)
        pthread_join(thread[i], NULL);
    printf("interrupted: %d\n", hit);
    return 0;
}

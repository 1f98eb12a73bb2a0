// A thread forks as it ends, in the destructor of a key: once the child ends there, once it goes on with what is left of the thread, and starts others in
// another destructor. What the destructors print leads through their frames.
//# children: print
//# children: beside threads
//# processes: 4
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_key_t first, second;
static int is_child;

static void say(const char *what, int n)
{
    char text[64];
    snprintf(text, sizeof text, "%s%s %d\n", is_child ? "child: " : "", what, n);
    if (write(1, text, strlen(text)) < 0)
        abort();
}

static int status_of(pid_t child)
{
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void forks(void *value)
{
    int n = *(int *)value;
    pid_t child = fork();
    if (child == 0) {
        is_child = 1;
        say("forked by a destructor", n);
        if (n == 1)
            _exit(11);
        return;
    }
    say("child ended with", status_of(child));
    free(value);
}

static void *adds(void *value)
{
    *(int *)value += 5;
    return value;
}

static void starts(void *value)
{
    pthread_t thread;
    int n = (int)(long)value;
    pthread_create(&thread, NULL, adds, &n);
    pthread_join(thread, NULL);
    say("with a thread", n);
    if (n == 8) {
        pid_t child = fork();
        if (child == 0)
            _exit(n);
        say("another ended with", status_of(child));
    }
}

static void *runs(void *value)
{
    int *n = malloc(sizeof *n);
    *n = (int)(long)value;
    pthread_setspecific(first, n);
    pthread_setspecific(second, value);
    if (*n == 2)
        pthread_exit(value);
    return value;
}

static void at_exit(void)
{
    say("exit", 0);
}

int main(void)
{
    pthread_t thread;
    atexit(at_exit);
    pthread_key_create(&first, forks);
    pthread_key_create(&second, starts);
    for (long i = 1; i <= 3; i++) {
        if (i == 3)
            pthread_key_delete(first);
        void *value = NULL;
        pthread_create(&thread, NULL, runs, (void *)i);
        pthread_join(thread, &value);
        say("ended", (int)(long)value);
    }
    return 0;
}

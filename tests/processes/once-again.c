// A child that a fork left without its threads sets a pthread_once_t back and starts them again, as libuv does.
//# children: print
//# children: beside threads
//# processes: 2
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock;
static pthread_cond_t changed;
static int asked, answered, started;

static void *answers(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&lock);
    for (;;) {
        while (asked == answered)
            pthread_cond_wait(&changed, &lock);
        answered++;
        pthread_cond_broadcast(&changed);
    }
    return NULL;
}

static void set_back(void)
{
    pthread_once_t fresh = PTHREAD_ONCE_INIT;
    memcpy(&once, &fresh, sizeof once);
}

static void start(void)
{
    pthread_t thread;
    started++;
    if (started == 1)
        pthread_atfork(NULL, NULL, set_back);
    pthread_mutex_init(&lock, NULL);
    pthread_cond_init(&changed, NULL);
    pthread_create(&thread, NULL, answers, NULL);
}

static void ask(void)
{
    pthread_once(&once, start);
    pthread_mutex_lock(&lock);
    asked++;
    pthread_cond_broadcast(&changed);
    while (answered != asked)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

int main(void)
{
    ask();
    ask();
    printf("started %d, answered %d\n", started, answered);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        alarm(20);
        ask();
        ask();
        printf("child: started %d, answered %d\n", started, answered);
        fflush(stdout);
        _exit(3);
    }
    int status = 0;
    waitpid(child, &status, 0);
    ask();
    printf("started %d, answered %d, child %d\n", started, answered, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    return 0;
}

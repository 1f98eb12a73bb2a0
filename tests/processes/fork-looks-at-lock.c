// A child looks at the bytes of the locks that it has from its parent, and at those of copies: what it finds there while it is recorded its replay finds, too.
//# varies: output
//# children: print
//# children: beside threads
//# processes: 3
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct shared {
    long before;
    pthread_mutex_t lock, other;
} shared = { 1, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER };

static unsigned long sum(const void *from, unsigned long n)
{
    unsigned long sum = 0;
    for (const unsigned char *p = from; n > 0; n--)
        sum = sum * 31 + *p++;
    return sum;
}

static void *nothing(void *arg)
{
    return arg;
}

static void look(const char *who)
{
    struct shared copy = shared;
    printf("%s: %lx %lx\n", who, sum(&shared, sizeof shared), sum(&copy, sizeof copy));
    fflush(stdout);
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, nothing, NULL);
    pthread_join(thread, NULL);
    pthread_mutex_lock(&shared.lock);
    pid_t pid = fork();
    if (pid == 0) {
        look("child");
        pthread_mutex_unlock(&shared.lock);
        pthread_mutex_lock(&shared.other);
        pid = fork();
        if (pid == 0) {
            look("grandchild");
            shared.lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
            pthread_mutex_lock(&shared.lock);
            look("grandchild again");
            _exit(3);
        }
        waitpid(pid, NULL, 0);
        look("child again");
        _exit(2);
    }
    waitpid(pid, NULL, 0);
    look("parent");
    return 0;
}

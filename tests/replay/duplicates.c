// Text that is printed by other names of stdout and stderr, which lead elsewhere in between and come back.
//# stdin: from outside\n
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static void say(int fd, const char *text) {
    if (write(fd, text, strlen(text)) < 0) _exit(9);
}

int main(void) {
    int d = dup(1), e = fcntl(2, F_DUPFD, 20), f = dup2(1, 30), g = dup3(2, 31, O_CLOEXEC);
    say(d, "by dup\n");
    say(e, "by F_DUPFD\n");
    say(f, "by dup2\n");
    say(g, "by dup3\n");
    dprintf(d, "%d of 4\n", (d > 2) + (e >= 20) + (f == 30) + (g == 31));
    char text[100];
    ssize_t n = read(0, text, sizeof text);
    if (write(d, text, n) != n) return 1;
    struct iovec v[] = {{"<", 1}, {text, n - 1}, {">\n", 2}};
    if (writev(f, v, 3) != n + 2) return 2;
    int of_duplicate = fcntl(d, F_DUPFD_CLOEXEC, 40);
    say(of_duplicate, "of a duplicate\n");
    // Elsewhere, and back.
    int null = open("/dev/null", O_WRONLY);
    dup2(null, 1);
    if (write(1, "nobody sees this\n", 17) != 17) return 4;
    printf("nor this\n");
    fflush(stdout);
    say(d, "meanwhile\n");
    dup2(d, 1);
    say(1, "again\n");
    printf("and again\n");
    fflush(stdout);
    // The number is another file's now.
    close(d);
    if (open("/dev/null", O_WRONLY) != d) return 3;
    say(d, "gone\n");
    // A stream closes one.
    int of_stream = dup(of_duplicate);
    FILE *stream = fdopen(of_stream, "w");
    if (!stream || fclose(stream) || open("/dev/null", O_WRONLY) != of_stream) return 5;
    say(of_stream, "of the stream\n");
    dup2(null, f);
    say(f, "gone, too\n");
    say(of_duplicate, "the last one\n");
    return fcntl(1, F_GETFL) < 0;
}

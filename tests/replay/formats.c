// Formats of scanf that begin inside a text, or that nobody knows before; requests of ioctl that come at run time.
//# stdin: 12 34 words and 56\n
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const char formats[] = "%d%2u %s";
struct window {
    struct winsize size;
    int left;
} w;

int main(int argc, char **argv) {
    unsigned a = 0, b = 0, c = 0, sum = 0;
    char word[32] = "", other[32] = "", *text = strdup("78 9x rest");
    int n = scanf("%d%2u" + 2, &a);
    for (unsigned i = 0; i < a * 100; i++) sum += i ^ a;
    printf("%d %u %u\n", n, a, sum);
    n = sscanf(text, formats + 2, &b, word);
    for (unsigned i = 0; i < b * 100; i++) sum += i ^ b ^ word[i % 3];
    printf("%d %u %s %u\n", n, b, word, sum);
    n = scanf(argc > 1 ? "%c" : "%u %31s", &c, other);
    printf("%d %u %s\n", n, c, other);
    int p[2];
    if (pipe(p) || write(p[1], "five!", 5) != 5) return 1;
    unsigned long requests[] = {FIONREAD, TIOCGWINSZ, FIONBIO};
    for (int i = 0; i < 3; i++) {
        void *to = i == 0 ? (void *)&w.left : i == 1 ? (void *)&w.size : (void *)&argc;
        printf("%d\n", ioctl(p[0], requests[i], to));
    }
    // Its buffer is not the argument's memory.
    static struct ifreq all[8];
    struct ifconf list = {sizeof all, {(char *)all}};
    int found = ioctl(socket(AF_INET, SOCK_DGRAM, 0), getenv("LC_ALL") ? SIOCGIFCONF : FIONREAD, &list);
    printf("%d %d %d\n", found, list.ifc_len > 0, all[0].ifr_name[0] >= 'a' || found);
    for (int i = 0; i < w.left * 100; i++) sum += i ^ w.left;
    printf("%d %d %u\n", w.left, w.size.ws_row, sum);
    return argv[0] == NULL;
}

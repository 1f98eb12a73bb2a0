// libblkid: what is in a file, by a probe; the rest of the program's memory is none of its business.
//# libs: -lblkid
//# level: R3
//# log-below: 9000
#include <blkid/blkid.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct disk {
    blkid_probe probe;
    char name[64];
    int fd, seen;
    unsigned long *sums;
};

int main(void) {
    struct disk d = {.name = "/tmp/itarget-blkid.XXXXXX"};
    static unsigned char swap[10 * 4096];
    const char *data = NULL, *name = NULL, *version = NULL;
    size_t len = 0;
    d.sums = calloc(64, sizeof *d.sums);
    d.fd = mkstemp(d.name);
    memcpy(swap + 4086, "SWAPSPACE2", 10);
    swap[1024] = 1;
    swap[1028] = 9;
    memcpy(swap + 1036, "0123456789abcdef", 16);
    strcpy((char *)swap + 1052, "a label");
    if (write(d.fd, swap, sizeof swap) != sizeof swap) return 1;
    for (int k = 0; k < 3; k++) {
        d.probe = blkid_new_probe();
        if (blkid_probe_set_device(d.probe, d.fd, 0, 0) != 0) return 2;
        blkid_probe_enable_superblocks(d.probe, 1);
        blkid_probe_set_superblocks_flags(d.probe, BLKID_SUBLKS_LABEL | BLKID_SUBLKS_UUID | BLKID_SUBLKS_TYPE);
        printf("%d\n", blkid_do_safeprobe(d.probe));
        for (int i = 0; i < blkid_probe_numof_values(d.probe); i++)
            if (blkid_probe_get_value(d.probe, i, &name, &data, &len) == 0) {
                printf("%s = %s (%zu)\n", name, data, len);
                d.seen++;
            }
        if (blkid_probe_lookup_value(d.probe, "LABEL", &data, NULL) == 0) printf("%s\n", data);
        printf("%lld\n", (long long)blkid_probe_get_size(d.probe));
        blkid_free_probe(d.probe);
        for (int r = 0; r < 40; r++)
            for (int i = 0; i < 64; i++) d.sums[i] = d.sums[(i * 7 + r) % 64] * 3 + d.seen + i;
    }
    printf("%d %d\n", blkid_known_fstype("ext4"), blkid_get_library_version(&version, NULL) > 0 && *version == '2');
    char *text = blkid_get_tag_value(NULL, "TYPE", d.name);
    printf("%s %d\n", text ? text : "none", d.seen);
    free(text);
    unsigned long sum = 0;
    for (int i = 0; i < 64; i++) sum += d.sums[i];
    printf("%lu\n", sum);
    unlink(d.name);
    return 0;
}

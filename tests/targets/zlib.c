// zlib is called on either side of the border.
//# libs: -lz
//# target: pack
//# target: unpack:!pack
//# target: main:!pack
//# target: own_*
#define WAYS 2
#include "../replay/zlib.c"

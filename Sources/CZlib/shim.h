#ifndef CZLIB_SHIM_H
#define CZLIB_SHIM_H
#include <zlib.h>

// The function is a macro, which Swift does not see. 16 beside the window's size: gzip alone.
static inline int czlib_begin(z_stream *stream) { return inflateInit2(stream, MAX_WBITS + 16); }
#endif

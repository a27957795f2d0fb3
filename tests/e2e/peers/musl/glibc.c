/* SPDX-License-Identifier: Apache-2.0 */
/* What Debian's OpenSSL archives, which were made for glibc, ask for and musl has not. Nothing here is right
 * enough for more than a peer: lengths that glibc would check are not, and no coroutine is made. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *__memcpy_chk(void *to, const void *from, size_t len, size_t room);
void *__memset_chk(void *to, int byte, size_t len, size_t room);
int __fprintf_chk(FILE *out, int flag, const char *format, ...);
int __vfprintf_chk(FILE *out, int flag, const char *format, va_list args);
int __sprintf_chk(char *out, int flag, size_t room, const char *format, ...);
long __fdelt_chk(long fd);
FILE *fopen64(const char *path, const char *mode);
int getcontext(void *context);
int setcontext(const void *context);
void makecontext(void *context, void (*fn)(void), int count, ...);

void *__memcpy_chk(void *to, const void *from, size_t len, size_t room)
{
	(void)room;
	return memcpy(to, from, len);
}

void *__memset_chk(void *to, int byte, size_t len, size_t room)
{
	(void)room;
	return memset(to, byte, len);
}

int __vfprintf_chk(FILE *out, int flag, const char *format, va_list args)
{
	(void)flag;
	return vfprintf(out, format, args);
}

int __fprintf_chk(FILE *out, int flag, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = __vfprintf_chk(out, flag, format, args);
	va_end(args);
	return len;
}

int __sprintf_chk(char *out, int flag, size_t room, const char *format, ...)
{
	va_list args;
	int len;

	(void)flag;
	va_start(args, format);
	len = vsnprintf(out, room, format, args);
	va_end(args);
	return len;
}

long __fdelt_chk(long fd)
{
	return fd / 64;
}

#undef fopen64
FILE *fopen64(const char *path, const char *mode)
{
	return fopen(path, mode);
}

int getcontext(void *context)
{
	(void)context;
	abort();
}

int setcontext(const void *context)
{
	(void)context;
	abort();
}

void makecontext(void *context, void (*fn)(void), int count, ...)
{
	(void)context;
	(void)fn;
	(void)count;
	abort();
}

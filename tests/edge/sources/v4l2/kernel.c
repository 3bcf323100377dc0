/* Plays the kernel's part of V4L2 for a process that has no camera: LD_PRELOAD it. By the kernel's own header.
 *
 * A node is a file videoN in the folder KERNEL_DEVICES; while it is there the camera is plugged in. Its words are what
 * the node is: `capture` or `metadata`, and what goes wrong: `nospace`. A frame is the JPEG file KERNEL_PICTURE.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { NODES = 1024, BUFFERS = 8, BYTES = 1 << 21 };

struct node {
    char path[512];
    int memory; /* a file that holds the buffers */
    int owner;  /* a lock on the node's file: one streams, also among processes */
    unsigned buffers, queued, order[BUFFERS], sequence, streaming;
    struct v4l2_pix_format format;
    struct v4l2_fract interval;
} *nodes[NODES];

static const struct { unsigned width, height; } sizes[] = {{1280, 720}, {640, 480}, {320, 240}};

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

static int fail(int error) {
    errno = error;
    return -1;
}

static int says(const struct node *node, const char *word) {
    char text[256] = "";
    int file = ((int (*)(const char *, int, ...))real("open"))(node->path, O_RDONLY);
    if (file < 0) return 0;
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    return length > 0 && strstr(text, word) != NULL;
}

static int node_of(const char *path) {
    const char *folder = getenv("KERNEL_DEVICES");
    size_t length = folder ? strlen(folder) : 0;
    return length && !strncmp(path, folder, length) && !strncmp(path + length, "/video", 6);
}

static int open_node(const char *path) {
    if (access(path, F_OK)) return fail(ENOENT);
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct node *node = calloc(1, sizeof *node);
    snprintf(node->path, sizeof node->path, "%s", path);
    node->memory = memfd_create("buffers", MFD_CLOEXEC);
    node->owner = -1;
    node->interval = (struct v4l2_fract){1, 30};
    if (ftruncate(node->memory, (off_t)BYTES * BUFFERS)) abort();
    nodes[fd] = node;
    return fd;
}

#define OPEN(name)                                                                  \
    int name(const char *path, int flags, ...) {                                    \
        va_list rest;                                                               \
        va_start(rest, flags);                                                      \
        int mode = va_arg(rest, int);                                               \
        va_end(rest);                                                               \
        if (node_of(path) && (flags & O_ACCMODE) == O_RDWR) return open_node(path); \
        return ((int (*)(const char *, int, ...))real(#name))(path, flags, mode);   \
    }
OPEN(open)
OPEN(open64)

int close(int fd) {
    int (*original)(int) = real("close");
    struct node *node = fd >= 0 && fd < NODES ? nodes[fd] : NULL;
    if (node) {
        original(node->memory);
        if (node->owner >= 0) original(node->owner);
        nodes[fd] = NULL;
        free(node);
    }
    return original(fd);
}

#define MMAP(name, offset_type)                                                                            \
    void *name(void *at, size_t length, int protection, int flags, int fd, offset_type offset) {           \
        struct node *node = fd >= 0 && fd < NODES ? nodes[fd] : NULL;                                      \
        return ((void *(*)(void *, size_t, int, int, int, offset_type))real(#name))(                       \
            at, length, protection, flags, node ? node->memory : fd, offset);                              \
    }
MMAP(mmap, off_t)
MMAP(mmap64, off64_t)

static int stream(struct node *node, int fd, int on) {
    struct itimerspec every = {0};
    if (on) {
        if (!node->queued) return fail(EINVAL);
        if (says(node, "nospace") && node->format.width > 640) return fail(ENOSPC);
        long nanoseconds = 1000000000L / node->interval.denominator * node->interval.numerator;
        every.it_value.tv_nsec = every.it_interval.tv_nsec = nanoseconds - 1;
    } else {
        node->queued = 0;
    }
    node->streaming = (unsigned)on;
    return timerfd_settime(fd, 0, &every, NULL);
}

static int dequeue(struct node *node, int fd, struct v4l2_buffer *buffer) {
    unsigned long long ticks;
    struct timespec now;
    if (!node->streaming) return fail(EINVAL);
    if (read(fd, &ticks, sizeof ticks) < 0) return -1; /* EAGAIN */
    node->sequence += (unsigned)ticks;
    if (!node->queued) return fail(EAGAIN);
    char *picture = malloc(BYTES);
    int file = ((int (*)(const char *, int, ...))real("open"))(getenv("KERNEL_PICTURE"), O_RDONLY);
    ssize_t length = read(file, picture, BYTES);
    close(file);
    unsigned index = node->order[0];
    memmove(node->order, node->order + 1, --node->queued * sizeof *node->order);
    if (pwrite(node->memory, picture, (size_t)length, (off_t)index * BYTES) != length) abort();
    free(picture);
    clock_gettime(CLOCK_MONOTONIC, &now);
    buffer->index = index;
    buffer->length = BYTES;
    buffer->bytesused = (unsigned)length;
    buffer->flags = V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC | V4L2_BUF_FLAG_MAPPED;
    buffer->timestamp.tv_sec = now.tv_sec;
    buffer->timestamp.tv_usec = now.tv_nsec / 1000;
    buffer->sequence = node->sequence - 1;
    return 0;
}

static int request(struct node *node, struct v4l2_requestbuffers *wanted) {
    if (wanted->memory != V4L2_MEMORY_MMAP) return fail(EINVAL);
    if (node->streaming) return fail(EBUSY);
    if (wanted->count && node->owner < 0) {
        node->owner = ((int (*)(const char *, int, ...))real("open"))(node->path, O_RDONLY | O_CLOEXEC);
        if (flock(node->owner, LOCK_EX | LOCK_NB)) {
            close(node->owner);
            node->owner = -1;
            return fail(EBUSY);
        }
    }
    if (!wanted->count && node->owner >= 0) {
        close(node->owner);
        node->owner = -1;
    }
    node->buffers = wanted->count = wanted->count > BUFFERS ? BUFFERS : wanted->count;
    node->queued = 0;
    return 0;
}

static int set_format(struct node *node, struct v4l2_pix_format *pix) {
    if (node->buffers) return fail(EBUSY);
    unsigned best = 0;
    for (unsigned each = 0; each < 3; each++)
        if (abs((int)(sizes[each].width - pix->width)) < abs((int)(sizes[best].width - pix->width))) best = each;
    pix->width = sizes[best].width;
    pix->height = sizes[best].height;
    if (pix->pixelformat != V4L2_PIX_FMT_MJPEG) pix->pixelformat = V4L2_PIX_FMT_YUYV;
    pix->field = V4L2_FIELD_NONE;
    pix->bytesperline = pix->pixelformat == V4L2_PIX_FMT_YUYV ? pix->width * 2 : 0;
    pix->sizeimage = BYTES;
    node->format = *pix;
    return 0;
}

static int answer(struct node *node, int fd, unsigned long code, void *argument) {
    struct v4l2_capability *capability = argument;
    struct v4l2_fmtdesc *description = argument;
    struct v4l2_frmsizeenum *size = argument;
    struct v4l2_buffer *buffer = argument;
    struct v4l2_format *format = argument;
    struct v4l2_streamparm *parameters = argument;
    int captures = says(node, "capture");
    switch (code) {
    case VIDIOC_QUERYCAP:
        memset(capability, 0, sizeof *capability);
        strcpy((char *)capability->driver, "uvcvideo");
        strcpy((char *)capability->card, "Played Camera");
        strcpy((char *)capability->bus_info, "usb-0000:00:14.0-1");
        capability->capabilities = 0x84A00001; /* of all nodes of the device, as UVC says it */
        capability->device_caps = captures ? 0x04200001 : 0x04A00000;
        return 0;
    case VIDIOC_ENUM_FMT:
        if (!captures || description->type != V4L2_BUF_TYPE_VIDEO_CAPTURE || description->index > 1) return fail(EINVAL);
        description->pixelformat = description->index ? V4L2_PIX_FMT_MJPEG : V4L2_PIX_FMT_YUYV;
        return 0;
    case VIDIOC_ENUM_FRAMESIZES:
        if (!captures || size->index > 2) return fail(EINVAL);
        size->type = V4L2_FRMSIZE_TYPE_DISCRETE;
        size->discrete.width = sizes[size->index].width;
        size->discrete.height = sizes[size->index].height;
        return 0;
    case VIDIOC_G_FMT:
        format->fmt.pix = node->format;
        return captures ? 0 : fail(EINVAL);
    case VIDIOC_TRY_FMT:
    case VIDIOC_S_FMT:
        if (!captures || format->type != V4L2_BUF_TYPE_VIDEO_CAPTURE) return fail(EINVAL);
        return set_format(node, &format->fmt.pix);
    case VIDIOC_S_PARM:
        if (parameters->parm.capture.timeperframe.numerator == 0 || node->streaming) return fail(EBUSY);
        node->interval = (struct v4l2_fract){1, 10}; /* all it can, whatever is asked */
        /* fall through */
    case VIDIOC_G_PARM:
        if (parameters->type != V4L2_BUF_TYPE_VIDEO_CAPTURE) return fail(EINVAL);
        parameters->parm.capture.timeperframe = node->interval;
        return 0;
    case VIDIOC_REQBUFS:
        return request(node, argument);
    case VIDIOC_QUERYBUF:
        if (buffer->index >= node->buffers) return fail(EINVAL);
        buffer->m.offset = buffer->index * BYTES;
        buffer->length = BYTES;
        return 0;
    case VIDIOC_QBUF:
        if (buffer->type != V4L2_BUF_TYPE_VIDEO_CAPTURE || buffer->memory != V4L2_MEMORY_MMAP) return fail(EINVAL);
        if (buffer->index >= node->buffers || node->queued == node->buffers) return fail(EINVAL);
        node->order[node->queued++] = buffer->index;
        return 0;
    case VIDIOC_DQBUF:
        if (buffer->type != V4L2_BUF_TYPE_VIDEO_CAPTURE || buffer->memory != V4L2_MEMORY_MMAP) return fail(EINVAL);
        return dequeue(node, fd, buffer);
    case VIDIOC_STREAMON:
    case VIDIOC_STREAMOFF:
        if (*(int *)argument != V4L2_BUF_TYPE_VIDEO_CAPTURE) return fail(EINVAL);
        return stream(node, fd, code == VIDIOC_STREAMON);
    default:
        return fail(ENOTTY);
    }
}

int ioctl(int fd, unsigned long code, ...) {
    va_list rest;
    va_start(rest, code);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    struct node *node = fd >= 0 && fd < NODES ? nodes[fd] : NULL;
    if (!node) return ((int (*)(int, unsigned long, ...))real("ioctl"))(fd, code, argument);
    if (access(node->path, F_OK)) return fail(ENODEV);
    return answer(node, fd, code, argument);
}

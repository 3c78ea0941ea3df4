/* A fast unwinder by tables for LeakSanitizer, preloaded after its run-time library.
 *
 * With fast_unwind_on_malloc=0 that library asks libgcc's _Unwind_Backtrace at each malloc, which reads the tables again for each
 * frame: four fifths of a process's time. Here what the tables say of a return address is kept, so that a frame costs a few
 * loads. Only what that library asks comes here; everybody else (Rust's panics, C++) gets libgcc's. What these few rules cannot say
 * (a frame address by an expression or by another register, a signal's frame) is libgcc's to unwind, too.
 *
 * A stack ends with the first frame of Python code: leaks.py looks no further.
 *
 * Kept rules are for libraries that stay: an address that another library has after a dlclose would be unwound wrongly, and Python
 * closes none.
 *
 * On other machines and older C libraries there is nothing in here, and libgcc is asked as ever.
 *
 * Built with -DCHECKED, every frame of every stack is compared with libgcc's, and the process ends with the first that differs:
 * for the self-test. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <unwind.h>

#if defined __x86_64__ && (__GLIBC__ > 2 || (__GLIBC__ == 2 && __GLIBC_MINOR__ >= 35)) /* _dl_find_object */

typedef _Unwind_Reason_Code (*backtrace_function)(_Unwind_Trace_Fn, void *);
typedef _Unwind_Ptr (*ip_function)(struct _Unwind_Context *);

static backtrace_function libgcc_backtrace;
static ip_function libgcc_ip;
static uintptr_t asan_start, asan_end, python_code;

/* What is given to the callback in place of a context of libgcc's, told apart by its first word. */
struct frame {
    const void *mark;
    uintptr_t pc;
};
static const char MARK;

__attribute__((constructor)) static void start(void) {
    struct dl_find_object found;
    void *init_of_asan = dlsym(RTLD_DEFAULT, "__asan_init");
    libgcc_ip = (ip_function)dlsym(RTLD_NEXT, "_Unwind_GetIP");
    python_code = (uintptr_t)dlsym(RTLD_DEFAULT, "_PyEval_EvalFrameDefault");
    if (init_of_asan && _dl_find_object(init_of_asan, &found) == 0) {
        asan_start = (uintptr_t)found.dlfo_map_start;
        asan_end = (uintptr_t)found.dlfo_map_end;
    }
    libgcc_backtrace = (backtrace_function)dlsym(RTLD_NEXT, "_Unwind_Backtrace");
}

_Unwind_Ptr _Unwind_GetIP(struct _Unwind_Context *context) {
    const struct frame *frame = (const struct frame *)context;
    return frame->mark == &MARK ? frame->pc : libgcc_ip(context);
}

/* --- what the tables say of an address ---------------------------------------------------------------------------- */

enum { RBP = 6, RSP = 7, RETURN_ADDRESS = 16 };
enum kind { UNKNOWN, STEP, LAST, END };

/* Where the caller's frame begins, and where its rbp is kept (0: still in rbp). The return address is always just below. */
struct rule {
    uint8_t kind;
    uint8_t from_rbp;
    int16_t rbp_at;
    int32_t offset;
};
_Static_assert(sizeof(struct rule) == 8, "a rule is a word");

struct state {
    uint64_t cfa_register;
    int64_t cfa_offset, rbp_at;
    bool is_simple, is_outermost;
};

static uint64_t uleb(const uint8_t **at) {
    uint64_t value = 0;
    unsigned shift = 0;
    uint8_t byte;
    do {
        byte = *(*at)++;
        if (shift < 64) value |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80);
    return value;
}

static int64_t sleb(const uint8_t **at) {
    uint64_t value = 0;
    unsigned shift = 0;
    uint8_t byte;
    do {
        byte = *(*at)++;
        if (shift < 64) value |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80);
    if (shift < 64 && (byte & 0x40)) value |= ~UINT64_C(0) << shift;
    return (int64_t)value;
}

static uint32_t word(const uint8_t *at) {
    uint32_t value;
    memcpy(&value, at, 4);
    return value;
}

struct program {
    const uint8_t *at, *end;
    uint64_t code_unit;
    int64_t data_unit;
};

static void saved(struct state *state, uint64_t reg, int64_t offset) {
    if (reg == RBP) state->rbp_at = offset;
    if (reg == RETURN_ADDRESS && offset != -8) state->is_simple = false;
}

static void restored(struct state *state, uint64_t reg, const struct state *first) {
    if (reg == RBP) state->rbp_at = first ? first->rbp_at : 0;
    if (reg == RETURN_ADDRESS) state->is_outermost = false;
}

/* A register that is kept in a way that rules do not say. */
static void odd(struct state *state, uint64_t reg) {
    if (reg == RBP || reg == RETURN_ADDRESS) state->is_simple = false;
}

/* Runs a program of the tables from `location` until it is past `target`; `first` is the state that its CIE left. */
static bool run(struct program program, uint64_t location, uint64_t target, struct state *state, const struct state *first) {
    struct state kept[8];
    unsigned depth = 0;
    const uint8_t *at = program.at;
    while (at < program.end && location <= target) {
        uint8_t op = *at++;
        uint64_t reg;
        switch (op & 0xc0) {
        case 0x40: location += (op & 0x3f) * program.code_unit; continue;
        case 0x80: saved(state, op & 0x3f, (int64_t)uleb(&at) * program.data_unit); continue;
        case 0xc0: restored(state, op & 0x3f, first); continue;
        }
        switch (op) {
        case 0x00: break;
        case 0x02: location += *at++ * program.code_unit; break;
        case 0x03: location += (at[0] | at[1] << 8) * program.code_unit; at += 2; break;
        case 0x04: location += word(at) * program.code_unit; at += 4; break;
        case 0x05: reg = uleb(&at); saved(state, reg, (int64_t)uleb(&at) * program.data_unit); break;
        case 0x06: restored(state, uleb(&at), first); break;
        case 0x07: if (uleb(&at) == RETURN_ADDRESS) state->is_outermost = true; break;
        case 0x08: restored(state, uleb(&at), NULL); break;
        case 0x09: odd(state, uleb(&at)); uleb(&at); break;
        case 0x0a: if (depth == 8) return false; kept[depth++] = *state; break;
        case 0x0b: if (depth == 0) return false; *state = kept[--depth]; break;
        case 0x0c: state->cfa_register = uleb(&at); state->cfa_offset = (int64_t)uleb(&at); break;
        case 0x0d: state->cfa_register = uleb(&at); break;
        case 0x0e: state->cfa_offset = (int64_t)uleb(&at); break;
        case 0x0f: state->cfa_register = UINT64_MAX; reg = uleb(&at); at += reg; break;
        case 0x10: case 0x16: odd(state, uleb(&at)); reg = uleb(&at); at += reg; break;
        case 0x11: reg = uleb(&at); saved(state, reg, sleb(&at) * program.data_unit); break;
        case 0x12: state->cfa_register = uleb(&at); state->cfa_offset = sleb(&at) * program.data_unit; break;
        case 0x13: state->cfa_offset = sleb(&at) * program.data_unit; break;
        case 0x14: odd(state, uleb(&at)); uleb(&at); break;
        case 0x15: odd(state, uleb(&at)); sleb(&at); break;
        case 0x2e: uleb(&at); break;
        default: return false;
        }
    }
    return true;
}

/* The entry of the library's sorted table for `target`, or NULL. */
static const uint8_t *find(const uint8_t *header, uint64_t target) {
    /* Version 1, addresses as linkers write them: 4 bytes, from here and from the header. */
    if (header[0] != 1 || header[1] != 0x1b || header[2] != 0x03 || header[3] != 0x3b) return NULL;
    const uint8_t *table = header + 12;
    uint32_t low = 0, high = word(header + 8);
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if ((uintptr_t)(header + (int32_t)word(table + 8 * (size_t)middle)) <= target) low = middle + 1;
        else high = middle;
    }
    return low ? header + (int32_t)word(table + 8 * (size_t)(low - 1) + 4) : NULL;
}

static struct rule look_up(uintptr_t pc) {
    const struct rule unknown = {.kind = UNKNOWN}, end = {.kind = END};
    uint64_t target = pc - 1; /* In the call, not after it. */
    struct dl_find_object found;
    if (_dl_find_object((void *)target, &found) != 0) return end;
    const uint8_t *entry = find(found.dlfo_eh_frame, target);
    if (!entry || word(entry) == 0xffffffff || word(entry) == 0) return unknown;
    const uint8_t *entry_end = entry + 4 + word(entry), *cie = entry + 4 - word(entry + 4);
    if (word(cie) == 0xffffffff || cie[8] != 1) return unknown;

    const uint8_t *cie_end = cie + 4 + word(cie), *at = cie + 9;
    const char *augmentation = (const char *)at;
    at += strlen(augmentation) + 1;
    struct program program = {.end = cie_end};
    program.code_unit = uleb(&at);
    program.data_unit = sleb(&at);
    if (*at++ != RETURN_ADDRESS || augmentation[0] != 'z') return unknown;
    uint64_t length = uleb(&at);
    program.at = at + length;
    uint8_t encoding = 0;
    for (const char *letter = augmentation + 1; *letter; letter++) {
        if (*letter == 'R') encoding = *at++;
        else if (*letter == 'L') at++;
        else if (*letter == 'P') {
            uint8_t form = *at++ & 0x0f;
            if (form != 0x0b && form != 0x03 && form != 0x00 && form != 0x0c && form != 0x04) return unknown;
            at += form == 0x0b || form == 0x03 ? 4 : 8;
        } else return unknown;
    }
    if (encoding != 0x1b) return unknown;

    const uint8_t *body = entry + 8;
    uintptr_t begin = (uintptr_t)(body + (int32_t)word(body));
    if (target < begin) return unknown;
    if (target >= begin + word(body + 4)) return end;
    struct state state = {.is_simple = true};
    if (!run(program, 0, 0, &state, NULL)) return unknown;
    struct state first = state;
    body += 8;
    length = uleb(&body);
    program.at = body + length;
    program.end = entry_end;
    if (!run(program, begin, target, &state, &first)) return unknown;
    if (state.is_outermost) return end;
    if (!state.is_simple || (state.cfa_register != RSP && state.cfa_register != RBP)) return unknown;
    if (state.rbp_at != (int16_t)state.rbp_at || state.cfa_offset != (int32_t)state.cfa_offset) return unknown;
    return (struct rule){
        .kind = begin == python_code ? LAST : STEP,
        .from_rbp = state.cfa_register == RBP,
        .rbp_at = (int16_t)state.rbp_at,
        .offset = (int32_t)state.cfa_offset,
    };
}

/* --- what is kept of it ------------------------------------------------------------------------------------------- */

/* Without a lock: a word is the rule, the other the address and the rule, so halves of two writers fit no address. */
static struct {
    uint64_t mixed, rule;
} kept[1 << 16];

static struct rule rule_of(uintptr_t pc) {
    struct rule rule;
    size_t slot = (size_t)((pc * UINT64_C(0x9e3779b97f4a7c15)) >> 48);
    uint64_t mixed = __atomic_load_n(&kept[slot].mixed, __ATOMIC_RELAXED);
    uint64_t bits = __atomic_load_n(&kept[slot].rule, __ATOMIC_RELAXED);
    if ((mixed ^ bits) == pc) {
        memcpy(&rule, &bits, 8);
        return rule;
    }
    rule = look_up(pc);
    memcpy(&bits, &rule, 8);
    __atomic_store_n(&kept[slot].mixed, pc ^ bits, __ATOMIC_RELAXED);
    __atomic_store_n(&kept[slot].rule, bits, __ATOMIC_RELAXED);
    return rule;
}

/* --- the walk ----------------------------------------------------------------------------------------------------- */

#ifdef CHECKED
enum { CHECKED_FRAMES = 64, OWN = 2 };

struct expected {
    uintptr_t pcs[CHECKED_FRAMES];
    size_t length;
};

static _Unwind_Reason_Code expect(struct _Unwind_Context *context, void *argument) {
    struct expected *expected = argument;
    expected->pcs[expected->length++] = libgcc_ip(context);
    return expected->length < CHECKED_FRAMES ? _URC_NO_REASON : _URC_END_OF_STACK;
}

/* The frame `at` is this one; 0: there is none. */
static void check(const struct expected *expected, size_t at, uintptr_t pc) {
    static const char text[] = "unwind: another frame than libgcc's\n";
    at += OWN;
    if (expected->length == 0 || at >= CHECKED_FRAMES || (at < expected->length ? expected->pcs[at] : 0) == pc) return;
    if (write(2, text, sizeof text - 1)) _exit(99);
}

/* So that stacks are handed on at all places. */
static bool is_handed_on(uintptr_t pc) {
    return pc % 61 == 0;
}
#else
struct expected {
    char nothing;
};

static void check(const struct expected *expected, size_t at, uintptr_t pc) {
    (void)expected, (void)at, (void)pc;
}

static bool is_handed_on(uintptr_t pc) {
    (void)pc;
    return false;
}
#endif

struct rest {
    _Unwind_Trace_Fn callback;
    void *argument;
    size_t skip;
    const struct expected *expected;
    size_t at;
};

static _Unwind_Reason_Code without_the_first(struct _Unwind_Context *context, void *argument) {
    struct rest *rest = argument;
    if (rest->skip) {
        rest->skip--;
        return _URC_NO_REASON;
    }
    check(rest->expected, rest->at++, libgcc_ip(context));
    return rest->callback(context, rest->argument);
}

__attribute__((noinline)) static _Unwind_Reason_Code walk(_Unwind_Trace_Fn callback, void *argument, const uintptr_t *base) {
    uintptr_t rbp = base[0], pc = base[1], rsp = (uintptr_t)(base + 2);
    struct expected expected = {0};
#ifdef CHECKED
    if (libgcc_backtrace) libgcc_backtrace(expect, &expected);
#endif
    for (size_t given = 0;;) {
        struct frame frame = {&MARK, pc};
        check(&expected, given++, pc);
        if (callback((struct _Unwind_Context *)&frame, argument) != _URC_NO_REASON) return _URC_END_OF_STACK;
        struct rule rule = rule_of(pc);
        if (rule.kind == END) check(&expected, given, 0);
        if (rule.kind == END || rule.kind == LAST) return _URC_END_OF_STACK;
        uintptr_t cfa = (rule.from_rbp ? rbp : rsp) + (uintptr_t)(intptr_t)rule.offset;
        bool is_likely = cfa > rsp && cfa % 8 == 0;
        if (rule.kind == STEP && !is_likely) check(&expected, given, 0);
        if (rule.kind == UNKNOWN || !is_likely || is_handed_on(pc)) {
            /* Seen from here two frames more are on the stack: this function's and the one's that called it. */
            struct rest rest = {callback, argument, given + 2, &expected, given};
            return libgcc_backtrace ? libgcc_backtrace(without_the_first, &rest) : _URC_END_OF_STACK;
        }
        pc = *(const uintptr_t *)(cfa - 8);
        if (rule.rbp_at) rbp = *(const uintptr_t *)(cfa + (uintptr_t)(intptr_t)rule.rbp_at);
        rsp = cfa;
        if (pc == 0) {
            check(&expected, given, 0);
            return _URC_END_OF_STACK;
        }
    }
}

_Unwind_Reason_Code _Unwind_Backtrace(_Unwind_Trace_Fn callback, void *argument) {
    uintptr_t caller = (uintptr_t)__builtin_return_address(0);
    /* Before the start, when no library's has run, there is nobody else who asks. */
    if (libgcc_backtrace && (caller < asan_start || caller >= asan_end)) return libgcc_backtrace(callback, argument);
    _Unwind_Reason_Code reason = walk(callback, argument, __builtin_frame_address(0));
    __asm__ volatile("" ::: "memory"); /* No tail call: the frame is what walk reads. */
    return reason;
}

#endif

/* rondo: recurrent networks (RNN, LSTM, GRU; layers and single cells; forward and backward) behind a C ABI.
 * The whole public interface, C99. What is chosen once is set on a handle; what changes every call is a struct of pointers. */
#ifndef RONDO_RONDO_H
#define RONDO_RONDO_H

#include <stddef.h>
#include <stdint.h>

/* This header's version; rondo_version() gives the library's. */
#define RONDO_VERSION_MAJOR 0
#define RONDO_VERSION_MINOR 1
#define RONDO_VERSION_PATCH 0

#if defined(_WIN32)
#define RONDO_API
#elif defined(__GNUC__)
#define RONDO_API __attribute__((visibility("default")))
#else
#define RONDO_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Letters. T time steps, N batch (rows), I input size, H hidden size, P projection size (0 = none), O = P or H (the width of h),
 * L layers, D directions (1 or 2), G gates (RNN 1, LSTM 4, GRU 3), S sum of all lengths (T*N where there are no lengths).
 * A shape [A,B,C] is contiguous, C fastest. Sizes count elements unless they say bytes.
 *
 * Cells (PyTorch's equations and gate order; W_ih, W_hh, b_ih, b_hh stacked gate by gate):
 *   rnn    h' = act(W_ih x + b_ih + W_hh h + b_hh), act = tanh or relu
 *   lstm   i,f,g,o: i = sigmoid(..), f = sigmoid(..), g = tanh(..), o = sigmoid(..); c' = f*c + i*g; h' = o*tanh(c'); P > 0: h' = W_hr (o*tanh(c'))
 *   gru    r,z,n: r = sigmoid(..), z = sigmoid(..), n = tanh(W_in x + b_in + r*(W_hn h + b_hn)); h' = (1-z)*n + z*h
 *
 * Threads. Handles of type rondo_rnn_t are not locked: one thread at a time. Contexts and plans may be used by several threads at once,
 * each call with its own workspace, reserve and outputs. In a forked child, contexts made before the fork run on one thread.
 *
 * CUDA. A plan runs on the device that was current when it was made, and that device must be current in its calls. Every array of a call and the memory it
 * brings are device memory, lengths, batch_sizes, sorted_indices and the arrays of pointers host memory. A call only launches, on its stream: results are there
 * when the stream has come so far; it allocates no device memory, waits for nothing, and can be captured in a graph, which keeps the lengths it saw.
 *
 * Ownership. Every array belongs to the caller and is only used during the call it is given to; the library keeps no pointer to it.
 * Outputs alias no input and no other output. Data is aligned to its element type; workspace, reserve and packed parameters to 64 bytes.
 *
 * Errors. Every call that can fail returns a status; on failure outputs are untouched and rondo_last_error() names argument, value and expectation. */

/* What a call came to. */
typedef int32_t rondo_status_t;
enum {
  RONDO_OK = 0,                     /* done */
  RONDO_ERROR_INVALID_ARGUMENT = 1, /* an argument, attribute or combination is not valid */
  RONDO_ERROR_UNSUPPORTED = 2,      /* valid, but no back end (or not the forced one) can serve it here */
  RONDO_ERROR_OUT_OF_MEMORY = 3,    /* the host or device has no room */
  RONDO_ERROR_STATE = 4,            /* a call that does not fit what went before, as backward with a reserve of another plan */
  RONDO_ERROR_VERSION = 5,          /* the caller was built against a newer header than this library */
  RONDO_ERROR_DEVICE = 6,           /* a device or driver call failed */
  RONDO_ERROR_INTERNAL = 7          /* a fault of rondo itself; please report it with the text */
};

/* Names a status, as "RONDO_OK"; "unknown status" for others. Never NULL. */
RONDO_API const char *rondo_status_name(rondo_status_t status);
/* The text of this thread's last failure; "" before the first. Never NULL; valid until this thread's next failure. */
RONDO_API const char *rondo_last_error(void);
/* The library's version: major * 10000 + minor * 100 + patch, and as text "major.minor.patch". */
RONDO_API int32_t rondo_version(void);
RONDO_API const char *rondo_version_string(void);

/* ---- context: threads and log ------------------------------------------------------------------------------------------------- */

/* Threads, and library handles of GPUs. */
typedef struct rondo_context_s *rondo_context_t;

/* level: 0 information, 1 warning. Called in the thread that caused the line; text is valid during the call only. Must not throw. */
typedef void (*rondo_log_callback_t)(void *user, int32_t level, const char *text);

/* A context owns one team of CPU threads and, per GPU, one set of library handles. It outlives its handle while plans made from it exist. destroy accepts NULL. */
RONDO_API rondo_status_t rondo_context_create(rondo_context_t *context);
RONDO_API void rondo_context_destroy(rondo_context_t context);
/* threads: 1 to 1024, or 0 (the default) for RONDO_NUM_THREADS, else as many as this process may run on: its affinity mask, or its control groups' CPU
 * quota rounded up where that is less. Not while a call on one of its plans is under way. Results do not depend on it. get gives the number in use, never 0.
 * Calls on plans of several contexts at once share the processors, each call on fewer threads. Threads poll at most 50 microseconds after a call, then sleep. */
RONDO_API rondo_status_t rondo_context_set_threads(rondo_context_t context, int64_t threads);
RONDO_API rondo_status_t rondo_context_get_threads(rondo_context_t context, int64_t *threads);
/* Off by default (NULL). Warnings and choices are reported here; the library never prints. */
RONDO_API rondo_status_t rondo_context_set_log(rondo_context_t context, rondo_log_callback_t callback, void *user);

/* ---- rnn: what to compute ----------------------------------------------------------------------------------------------------- */

/* The cells of the equations above. */
typedef int32_t rondo_cell_t;
enum { RONDO_CELL_RNN_TANH = 0, RONDO_CELL_RNN_RELU = 1, RONDO_CELL_LSTM = 2, RONDO_CELL_GRU = 3 };

/* Element types. f16 is IEEE binary16, bf16 the upper half of an f32; both cross as 16-bit words. */
typedef int32_t rondo_dtype_t;
enum { RONDO_F64 = 0, RONDO_F32 = 1, RONDO_F16 = 2, RONDO_BF16 = 3 };

/* [T,N,*] and [N,T,*] (batch_first). */
typedef int32_t rondo_layout_t;
enum { RONDO_TIME_MAJOR = 0, RONDO_BATCH_MAJOR = 1 };

/* Where a plan runs and its arrays lie. */
typedef int32_t rondo_device_t;
enum { RONDO_DEVICE_AUTO = 0, RONDO_DEVICE_CPU = 1, RONDO_DEVICE_CUDA = 2 };

/* What runs a plan. */
typedef int32_t rondo_backend_t;
enum { RONDO_BACKEND_AUTO = 0, RONDO_BACKEND_CPU = 1, RONDO_BACKEND_CUDNN = 2, RONDO_BACKEND_FUSED = 3 };

/* cell_state_type and param_grad_type: as the storage type, or f32 (f64 storage keeps f64). */
enum { RONDO_AS_STORAGE = 0, RONDO_AS_F32 = 1 };

/* persistent: the back end's own rule, none of them, or a refusal where none serves. */
enum { RONDO_PERSISTENT_AUTO = 0, RONDO_PERSISTENT_NEVER = 1, RONDO_PERSISTENT_REQUIRE = 2 };

/* Attributes, with their names for rondo_attribute_find and their defaults and bounds in rondo_attribute_info. */
typedef int32_t rondo_attribute_t;
enum {
  RONDO_ATTR_CELL = 1,             /* "cell": rondo_cell_t; default lstm */
  RONDO_ATTR_INPUT_SIZE = 2,       /* "input_size": I, from 1; must be set */
  RONDO_ATTR_HIDDEN_SIZE = 3,      /* "hidden_size": H, from 1; must be set */
  RONDO_ATTR_PROJ_SIZE = 4,        /* "proj_size": P, 0 = none; LSTM only, below H */
  RONDO_ATTR_NUM_LAYERS = 5,       /* "num_layers": L, from 1; default 1 */
  RONDO_ATTR_BIDIRECTIONAL = 6,    /* "bidirectional": 0 or 1; default 0 */
  RONDO_ATTR_BIAS = 7,             /* "bias": 0 or 1; default 1 */
  RONDO_ATTR_DROPOUT = 8,          /* "dropout": float, 0 to 1, training only, after every layer but the last; default 0 */
  RONDO_ATTR_DTYPE = 9,            /* "dtype": storage of data and parameters; default f32 */
  RONDO_ATTR_CELL_STATE_TYPE = 10, /* "cell_state_type": of c0, cn, dc0, dcn; default as storage */
  RONDO_ATTR_PARAM_GRAD_TYPE = 11, /* "param_grad_type": of parameter gradients; default as storage */
  RONDO_ATTR_LAYOUT = 12,          /* "layout": of x, y and their gradients where they are not packed; default time-major */
  RONDO_ATTR_PADDING_VALUE = 13,   /* "padding_value": float, y beyond a row's length; default 0 */
  RONDO_ATTR_DETERMINISTIC = 14,   /* "deterministic": 1 = same bytes from every run; the CPU always is; default 0 */
  RONDO_ATTR_CONSUME_RESERVE = 15, /* "consume_reserve": 1 = backward may destroy the reserve (and needs less workspace); default 0 */
  RONDO_ATTR_DEVICE = 16,          /* "device": default auto: cuda where a back end serves, else cpu */
  RONDO_ATTR_BACKEND = 17,         /* "backend": force one; default auto, which the environment's RONDO_BACKEND may replace */
  RONDO_ATTR_SINGLE_CELL = 18,     /* "single_cell": 1 = RNNCell, LSTMCell, GRUCell: T is at most 1, L = D = 1, P = 0, names without _l0 */
  RONDO_ATTR_FIXED_BATCH = 19,     /* "fixed_batch": 1 = every call has N = max_N, which some algorithms need to know; default 0 */
  RONDO_ATTR_PERSISTENT = 20,      /* "persistent": kernels that run all steps in one launch: auto, never, require; default auto */
  RONDO_ATTR_AUTOTUNE = 21,        /* "autotune": 1 = time what may be chosen when the plan is made, back ends too unless one is forced (cuda); not with deterministic; default 0 */
  RONDO_ATTR_ALLOW_TF32 = 22       /* "allow_tf32": 1 = f32 products may round their operands to tf32 (cuda); default 0 */
};

/* An attribute's name, default and bounds. */
typedef struct rondo_attribute_info_s {
  size_t struct_size;  /* in: sizeof(rondo_attribute_info_t) */
  const char *name;    /* static */
  int32_t is_float;    /* 1: set and get as float, 0: as int */
  int32_t reserved;    /* 0 */
  double default_value, min_value, max_value; /* both bounds are valid values */
} rondo_attribute_info_t;

/* The attribute of a name; bounds and default of an attribute. Attributes are numbered 1 to rondo_attribute_count(). */
RONDO_API int32_t rondo_attribute_count(void);
RONDO_API rondo_status_t rondo_attribute_find(const char *name, rondo_attribute_t *attribute);
RONDO_API rondo_status_t rondo_attribute_info(rondo_attribute_t attribute, rondo_attribute_info_t *info);

/* A description of a network, by attributes. */
typedef struct rondo_rnn_s *rondo_rnn_t;

/* A description, all attributes at their defaults. Plans copy it; it may be changed or destroyed afterwards. destroy accepts NULL. */
RONDO_API rondo_status_t rondo_rnn_create(rondo_rnn_t *rnn);
RONDO_API void rondo_rnn_destroy(rondo_rnn_t rnn);
/* Bounds are checked here, combinations (as proj_size < hidden_size) when parameters or a plan are asked for. */
RONDO_API rondo_status_t rondo_rnn_set_int(rondo_rnn_t rnn, rondo_attribute_t attribute, int64_t value);
RONDO_API rondo_status_t rondo_rnn_set_float(rondo_rnn_t rnn, rondo_attribute_t attribute, double value);
RONDO_API rondo_status_t rondo_rnn_get_int(rondo_rnn_t rnn, rondo_attribute_t attribute, int64_t *value);
RONDO_API rondo_status_t rondo_rnn_get_float(rondo_rnn_t rnn, rondo_attribute_t attribute, double *value);

/* ---- parameters --------------------------------------------------------------------------------------------------------------- */

/* PyTorch's order and names, per layer, then per direction: weight_ih [G*H, in], weight_hh [G*H, O], bias_ih [G*H], bias_hh [G*H] (both with bias
 * only), weight_hr [P, H] (with projection only); in = I in layer 0, D*O above. Names end in _l<layer>, then _reverse in the reverse direction. */
typedef struct rondo_param_info_s {
  size_t struct_size;          /* in: sizeof(rondo_param_info_t) */
  char name[56];               /* as "weight_ih_l0_reverse" */
  int64_t rank, rows, columns; /* rank 2: [rows, columns]; rank 1: [rows], columns = 1 */
  int64_t offset;              /* first element in one flat buffer of all parameters, without gaps */
  int64_t layer, direction;    /* from 0; direction 1 = reverse */
} rondo_param_info_t;

/* How many there are, and each in that order, index from 0. */
RONDO_API rondo_status_t rondo_rnn_param_count(rondo_rnn_t rnn, int64_t *count);
RONDO_API rondo_status_t rondo_rnn_param_info(rondo_rnn_t rnn, int64_t index, rondo_param_info_t *info);
/* Elements of the flat buffer. */
RONDO_API rondo_status_t rondo_rnn_flat_size(rondo_rnn_t rnn, int64_t *elements);
/* Initial values: every parameter, biases too, uniform from -1/sqrt(H) to 1/sqrt(H), a pure function of seed, layer,
 * direction, name and element (Philox4x32-10). params: count pointers to host memory of the storage type. */
RONDO_API rondo_status_t rondo_rnn_init_params(rondo_rnn_t rnn, uint64_t seed, void *const *params, int64_t count);

/* ---- plan: one problem on one back end ---------------------------------------------------------------------------------------- */

/* Whether a plan also serves backward. */
typedef int32_t rondo_mode_t;
enum { RONDO_INFERENCE = 0, RONDO_TRAINING = 1 };

/* How a plan's calls give their sequences. */
typedef int32_t rondo_sequence_t;
enum {
  RONDO_SEQUENCE_FULL = 0,    /* every row has T steps: x [T,N,I] or [N,T,I] */
  RONDO_SEQUENCE_LENGTHS = 1, /* the same shapes, a length per row, in any order */
  RONDO_SEQUENCE_PACKED = 2,  /* x [S,I], rows of step 0, then of step 1, ..., with batch_sizes[T], as torch's PackedSequence */
  RONDO_SEQUENCE_DEVICE_LENGTHS = 3 /* as LENGTHS, read from device memory on the stream: they may change between a captured graph's replays */
};

/* What a plan must serve. */
typedef struct rondo_plan_args_s {
  size_t struct_size;        /* sizeof(rondo_plan_args_t) */
  rondo_mode_t mode;         /* training: backward too */
  rondo_sequence_t sequence; /* how its calls give their sequences */
  int64_t max_T, max_N;      /* the largest call, 0 or more */
  int64_t max_S;             /* the largest sum of lengths; 0 = max_T*max_N */
} rondo_plan_args_t;

/* One description on one back end, with its memory laid out. */
typedef struct rondo_plan_s *rondo_plan_t;

/* Chooses a back end and lays out its memory; every refusal happens here. A plan is immutable. destroy accepts NULL. */
RONDO_API rondo_status_t rondo_plan_create(rondo_context_t context, rondo_rnn_t rnn, const rondo_plan_args_t *args, rondo_plan_t *plan);
RONDO_API void rondo_plan_destroy(rondo_plan_t plan);

/* Bytes to bring to each call: workspace (contents are lost between calls) for the larger of forward and backward, and reserve
 * (training: written by forward, read by backward; 0 in inference). Enough for every call within the plan's maxima. From 4 MiB on
 * the CPU back end wishes for huge pages there (madvise), which memory that nobody wrote to before can be given. */
RONDO_API rondo_status_t rondo_plan_workspace_size(rondo_plan_t plan, int64_t *bytes);
RONDO_API rondo_status_t rondo_plan_reserve_size(rondo_plan_t plan, int64_t *bytes);
/* Where the caller's arrays must lie: RONDO_DEVICE_CPU or RONDO_DEVICE_CUDA. */
RONDO_API rondo_status_t rondo_plan_device(rondo_plan_t plan, rondo_device_t *device);
/* The chosen back end's name; the choice, its reason and why each other candidate was refused, a line each. Valid as long as the
 * plan; "" for NULL. */
RONDO_API const char *rondo_plan_backend_name(rondo_plan_t plan);
RONDO_API const char *rondo_plan_explain(rondo_plan_t plan);

/* Parameters rearranged once for forward calls, in memory of the caller's, on the plan's device. Plans with the same format (not 0) share it; a
 * change of parameters needs a new packing. Optional: forward also takes params as they are. On cuda, packing runs on the default stream and
 * is done when the call returns. */
RONDO_API rondo_status_t rondo_plan_packed_size(rondo_plan_t plan, int64_t *bytes);
RONDO_API rondo_status_t rondo_plan_packed_format(rondo_plan_t plan, uint64_t *format);
RONDO_API rondo_status_t rondo_plan_pack_params(rondo_plan_t plan, const void *const *params, int64_t count, void *packed, int64_t packed_size);

/* What both calls need to know of the sequences. In the plan's sequence kind only its own members may be non-NULL. */
typedef struct rondo_batch_s {
  int64_t T, N;                  /* within the plan's maxima; 0 is valid: outputs are empty, hn = h0, cn = c0 */
  int64_t S;                     /* packed: rows of x, which the batch_sizes must sum to; otherwise 0 */
  const int64_t *lengths;        /* lengths: [N], 0 to T each; host memory. A row of length 0 has hn = h0, cn = c0 */
  const int32_t *lengths32;      /* the same as int32, instead of lengths */
  const int64_t *batch_sizes;    /* packed: [T], N at most, non-increasing, 1 or more each; host memory */
  const int64_t *sorted_indices; /* packed, optional: [N], a permutation; packed row r belongs to row sorted_indices[r] of h0, c0, hn, cn */
  const int64_t *device_lengths;   /* device lengths: [N] in device memory; what is below 0 or above T counts as 0 or T. Forward keeps a copy for backward */
  const int32_t *device_lengths32; /* the same as int32, instead of device_lengths */
  uint32_t *device_faults;       /* device lengths, optional: forward adds how many lengths were out of bounds to this word of device memory */
  const void *reserved[1];       /* NULL: room for what later versions need to know */
} rondo_batch_t;

/* One forward call. */
typedef struct rondo_forward_args_s {
  size_t struct_size;           /* sizeof(rondo_forward_args_t) */
  rondo_batch_t batch;          /* its sequences */
  const void *x;                /* [T,N,I], [N,T,I] or [S,I], storage type */
  const void *h0;               /* [L*D,N,O] storage type, or NULL: zeros */
  const void *c0;               /* LSTM: [L*D,N,H] cell state type, or NULL: zeros */
  const void *const *params;    /* param_count pointers in rondo_rnn_param_info's order, storage type; NULL with packed_params */
  int64_t param_count;          /* rondo_rnn_param_count's, where params is given */
  const void *packed_params;    /* from rondo_plan_pack_params, or NULL */
  void *y;                      /* [T,N,D*O], [N,T,D*O] or [S,D*O], storage type; inference: NULL if not wanted */
  void *hn;                     /* [L*D,N,O] storage type, or NULL */
  void *cn;                     /* LSTM: [L*D,N,H] cell state type, or NULL */
  uint64_t seed, offset;        /* dropout's Philox key and counter; one pair gives one mask on every back end */
  const uint64_t *seed_ptr;     /* on the plan's device, read instead of seed; or NULL */
  const uint64_t *offset_ptr;   /* on the plan's device, read instead of offset; or NULL */
  void *workspace;              /* contents are lost */
  int64_t workspace_size;       /* bytes */
  void *reserve;                /* training only */
  int64_t reserve_size;         /* bytes */
  void *stream;                 /* cuda: cudaStream_t; cpu: NULL */
} rondo_forward_args_t;

/* One backward call. */
typedef struct rondo_backward_args_s {
  size_t struct_size;           /* sizeof(rondo_backward_args_t) */
  rondo_batch_t batch;          /* as forward's */
  const void *x, *h0, *c0;      /* as forward's, unchanged since */
  const void *const *params;    /* as forward's, unchanged since; packed parameters do not serve here */
  int64_t param_count;          /* rondo_rnn_param_count's */
  const void *y;                /* forward's output, unchanged since */
  const void *dy;               /* gradient of y, y's shape; NULL: zeros. Values beyond a row's length are ignored */
  const void *dhn;              /* gradient of hn; NULL: zeros */
  const void *dcn;              /* gradient of cn, cell state type; NULL: zeros */
  void *dx;                     /* x's shape, storage type; 0 beyond a row's length; NULL: not computed, as each below */
  void *dh0;                    /* h0's shape */
  void *dc0;                    /* c0's shape, cell state type */
  void *const *dparams;         /* param_count pointers in params' order and shapes, param_grad_type; NULL, or NULL entries */
  int32_t accumulate;           /* 1: add to what dparams hold; 0: overwrite */
  int32_t reserved;             /* 0 */
  void *workspace;              /* contents are lost */
  int64_t workspace_size;       /* bytes */
  void *reserve;                /* as forward left it; unchanged, so backward may run again, unless consume_reserve is 1 */
  int64_t reserve_size;         /* bytes */
  void *stream;                 /* cuda: cudaStream_t; cpu: NULL */
} rondo_backward_args_t;

/* struct_size: smaller than the first release's is an error, missing later members count as zero; bytes beyond what the library knows must be zero.
 * A single_cell plan is one step: T = 1, x [N,I], h and c [N,H]; y, if given, equals hn and may be NULL in training too. */
RONDO_API rondo_status_t rondo_forward(rondo_plan_t plan, const rondo_forward_args_t *args);
RONDO_API rondo_status_t rondo_backward(rondo_plan_t plan, const rondo_backward_args_t *args);

/* ---- device memory and streams, for callers without a CUDA binding ----------------------------------------------------------------- */

/* On the thread's current CUDA device; RONDO_ERROR_UNSUPPORTED, with the reason, where no GPU back end is available. Memory is aligned to 256 bytes.
 * Callers with cudaMalloc, cudaMemcpyAsync and cudaStream_t of their own mix freely: these are the same. The library's other calls use none of them. */
RONDO_API rondo_status_t rondo_device_alloc(int64_t bytes, void **memory);
RONDO_API rondo_status_t rondo_device_free(void *memory); /* accepts NULL */
RONDO_API rondo_status_t rondo_device_memory(int64_t *free_bytes, int64_t *total_bytes);
/* Host or device memory to host or device memory, in the stream's order; host memory must stay until the stream has come so far. */
RONDO_API rondo_status_t rondo_copy(void *to, const void *from, int64_t bytes, void *stream);
RONDO_API rondo_status_t rondo_stream_create(void **stream);
RONDO_API rondo_status_t rondo_stream_synchronize(void *stream); /* NULL: the default stream */
RONDO_API rondo_status_t rondo_stream_destroy(void *stream);     /* accepts NULL */

/* ---- packed sequences (host memory; torch.nn.utils.rnn's semantics) -------------------------------------------------------------- */

/* lengths [N], 0 or more each. enforce_sorted = 1: they must be non-increasing already; 0: rows are sorted, stably, longest first.
 * batch_sizes has room for batch_sizes_room entries, the longest length or more; *T = the longest length, *S = their sum.
 * sorted_indices and unsorted_indices: [N] each, or NULL: row sorted_indices[r] is r-th in the packing; the other is its inverse. */
RONDO_API rondo_status_t rondo_batch_sizes_from_lengths(const int64_t *lengths, int64_t N, int32_t enforce_sorted, int64_t *batch_sizes,
                                                        int64_t batch_sizes_room, int64_t *T, int64_t *S, int64_t *sorted_indices,
                                                        int64_t *unsorted_indices);

/* A padded array beside a packed one. */
typedef struct rondo_packing_s {
  size_t struct_size;            /* sizeof(rondo_packing_t) */
  rondo_dtype_t dtype;           /* of both */
  rondo_layout_t layout;         /* of the padded array */
  int64_t T, N, F;               /* entries of batch_sizes, rows and features of the padded array */
  int64_t padded_T;              /* steps of the padded array (total_length), T or more */
  const int64_t *batch_sizes;    /* [T] */
  const int64_t *sorted_indices; /* [N], or NULL: packed row r is padded row r */
  double padding_value;          /* pad_packed writes it beyond each row's length */
} rondo_packing_t;

/* padded [padded_T,N,F] or [N,padded_T,F] to packed [S,F], and back. lengths: [N], or NULL; filled with each padded row's length. */
RONDO_API rondo_status_t rondo_pack_padded(const rondo_packing_t *packing, const void *padded, void *packed);
RONDO_API rondo_status_t rondo_pad_packed(const rondo_packing_t *packing, const void *packed, void *padded, int64_t *lengths);

/* ---- back ends ------------------------------------------------------------------------------------------------------------------ */

/* A back end, and whether it can serve here. */
typedef struct rondo_backend_info_s {
  size_t struct_size;     /* in: sizeof(rondo_backend_info_t) */
  rondo_backend_t id;     /* what the attribute "backend" takes */
  rondo_device_t device;  /* where it runs */
  const char *name;       /* static */
  int32_t available;      /* 1: it can serve plans in this process */
  int32_t reserved;       /* 0 */
  const char *detail;     /* available: what it runs on, as its instruction set; else why not. Static */
} rondo_backend_info_t;

/* Every back end this version knows, available or not, most preferred first, numbered from 0. */
RONDO_API int32_t rondo_backend_count(void);
RONDO_API rondo_status_t rondo_backend_info(int32_t index, rondo_backend_info_t *info);

#ifdef __cplusplus
}
#endif

#endif /* RONDO_RONDO_H */

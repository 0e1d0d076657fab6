//! A small safe wrapper: a GRU for inference on the CPU that owns its handles, checks the sizes of slices and passes
//! the library's text on. Grow it by what you need: the structs stand here as in rondo.h, member by member.
use std::ffi::{c_void, CStr};
use std::mem::{size_of, zeroed};
use std::os::raw::c_char;
use std::ptr::{null, null_mut};

const PARAMS: usize = 4; // of one layer in one direction: weight_ih, weight_hh, bias_ih, bias_hh

#[repr(C)]
struct ParamInfo { struct_size: usize, name: [c_char; 56], shape: [i64; 3], offset: i64, layer: i64, direction: i64 }
#[repr(C)]
struct PlanArgs { struct_size: usize, mode: i32, sequence: i32, max_t: i64, max_n: i64, max_s: i64 }
#[repr(C)]
struct ForwardArgs {
    struct_size: usize, t: i64, n: i64, s: i64, lengths: [*const c_void; 8], // the batch: lengths and their like
    x: *const f32, h0: *const f32, c0: *const f32, params: *const *const f32, param_count: i64, packed: *const c_void,
    y: *mut f32, hn: *mut f32, cn: *mut f32, seed_and_offset: [u64; 2], pointers_to_them: [*const u64; 2],
    workspace: *mut Block, workspace_size: i64, reserve: *mut Block, reserve_size: i64, stream: *mut c_void,
}

type Raw = *mut c_void;
#[link(name = "rondo")]
extern "C" {
    fn rondo_last_error() -> *const c_char;
    fn rondo_context_create(context: *mut Raw) -> i32;
    fn rondo_context_destroy(context: Raw);
    fn rondo_rnn_create(rnn: *mut Raw) -> i32;
    fn rondo_rnn_destroy(rnn: Raw);
    fn rondo_rnn_set_int(rnn: Raw, attribute: i32, value: i64) -> i32;
    fn rondo_rnn_flat_size(rnn: Raw, elements: *mut i64) -> i32;
    fn rondo_rnn_param_info(rnn: Raw, index: i64, info: *mut ParamInfo) -> i32;
    fn rondo_rnn_init_params(rnn: Raw, seed: u64, params: *const *mut f32, count: i64) -> i32;
    fn rondo_plan_create(context: Raw, rnn: Raw, args: *const PlanArgs, plan: *mut Raw) -> i32;
    fn rondo_plan_destroy(plan: Raw);
    fn rondo_plan_workspace_size(plan: Raw, bytes: *mut i64) -> i32;
    fn rondo_forward(plan: Raw, args: *const ForwardArgs) -> i32;
}

/// An error is a text that names the argument, its value and what was expected.
pub type Result<T> = std::result::Result<T, String>;

fn check(status: i32) -> Result<()> {
    if status == 0 { return Ok(()); }
    Err(unsafe { CStr::from_ptr(rondo_last_error()) }.to_string_lossy().into_owned())
}

fn check_size(name: &str, size: usize, shape: [usize; 3]) -> Result<()> {
    if shape.iter().fold(1usize, |a, &b| a.saturating_mul(b)) == size { return Ok(()); }
    Err(format!("{} has {} elements, expected those of {:?}", name, size, shape))
}

/// The value that a call writes through its last argument.
fn ask<T>(mut value: T, call: impl FnOnce(*mut T) -> i32) -> Result<T> { check(call(&mut value)).map(|_| value) }

/// Destroyed when dropped.
struct Handle(Raw, unsafe extern "C" fn(Raw));
impl Drop for Handle {
    fn drop(&mut self) { unsafe { (self.1)(self.0) } }
}

/// Workspace lies on 64 bytes.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
struct Block { _bytes: [u8; 64] }

/// torch.nn.GRU(input, hidden). What a call points at is its own, or borrowed for the call.
pub struct Gru { plan: Handle, sizes: [usize; 2], params: Vec<f32>, offsets: [usize; PARAMS], workspace: Vec<Block> }

impl Gru {
    /// For calls of at most max_t steps and max_n rows, with PyTorch's kind of initial values from a seed.
    pub fn new(input: usize, hidden: usize, max_t: usize, max_n: usize, seed: u64) -> Result<Gru> {
        let context = Handle(ask(null_mut(), |out| unsafe { rondo_context_create(out) })?, rondo_context_destroy);
        let rnn = Handle(ask(null_mut(), |out| unsafe { rondo_rnn_create(out) })?, rondo_rnn_destroy);
        // RONDO_ATTR_CELL = RONDO_CELL_GRU, _INPUT_SIZE, _HIDDEN_SIZE, _DEVICE = RONDO_DEVICE_CPU
        for (attribute, value) in [(1, 3), (2, input), (3, hidden), (16, 1)] {
            check(unsafe { rondo_rnn_set_int(rnn.0, attribute, value as i64) })?;
        }
        let (max_t, max_n) = (max_t as i64, max_n as i64); // mode 0: inference; sequence 0: every row has T steps
        let args = PlanArgs { struct_size: size_of::<PlanArgs>(), mode: 0, sequence: 0, max_t, max_n, max_s: 0 };
        let plan = ask(null_mut(), |out| unsafe { rondo_plan_create(context.0, rnn.0, &args, out) })?;
        let plan = Handle(plan, rondo_plan_destroy);
        let bytes = ask(0, |out| unsafe { rondo_plan_workspace_size(plan.0, out) })? as usize;
        let workspace = vec![Block { _bytes: [0; 64] }; (bytes + 63) / 64];
        let mut params = vec![0.0; ask(0, |out| unsafe { rondo_rnn_flat_size(rnn.0, out) })? as usize];
        let mut offsets = [0; PARAMS];
        for k in 0..PARAMS {
            let info = ParamInfo { struct_size: size_of::<ParamInfo>(), ..unsafe { zeroed() } };
            offsets[k] = ask(info, |out| unsafe { rondo_rnn_param_info(rnn.0, k as i64, out) })?.offset as usize;
        }
        let pointers = offsets.map(|offset| unsafe { params.as_mut_ptr().add(offset) });
        check(unsafe { rondo_rnn_init_params(rnn.0, seed, pointers.as_ptr(), PARAMS as i64) })?;
        Ok(Gru { plan, sizes: [input, hidden], params, offsets, workspace })
    }

    /// One after the other, to be filled from a trained model.
    pub fn params(&mut self) -> &mut [f32] { &mut self.params }
    pub fn workspace_bytes(&self) -> usize { self.workspace.len() * size_of::<Block>() }

    /// x [t, n, input] and h0 [n, hidden] (None: zeros) to y [t, n, hidden] and hn [n, hidden]. Allocates nothing.
    pub fn forward(
        &mut self, [t, n]: [usize; 2], x: &[f32], h0: Option<&[f32]>, y: &mut [f32], hn: &mut [f32],
    ) -> Result<()> {
        let [input, hidden] = self.sizes;
        check_size("x", x.len(), [t, n, input])?;
        check_size("h0", h0.map_or(hn.len(), <[f32]>::len), [1, n, hidden])?;
        check_size("y", y.len(), [t, n, hidden])?;
        check_size("hn", hn.len(), [1, n, hidden])?;
        let pointers = self.offsets.map(|offset| self.params[offset..].as_ptr());
        let args = ForwardArgs {
            struct_size: size_of::<ForwardArgs>(), t: t as i64, n: n as i64, x: x.as_ptr(),
            h0: h0.map_or(null(), <[f32]>::as_ptr), params: pointers.as_ptr(), param_count: PARAMS as i64,
            y: y.as_mut_ptr(), hn: hn.as_mut_ptr(), workspace: self.workspace.as_mut_ptr(),
            workspace_size: self.workspace_bytes() as i64, ..unsafe { zeroed() }
        };
        check(unsafe { rondo_forward(self.plan.0, &args) })
    }
}

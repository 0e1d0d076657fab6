-- A thin module for LuaJIT: require("rondo")(LIBRARY, HEADER) lets the C header itself declare the calls, and makes a
-- failed one a Lua error with the library's text. Numbers of 64 bits come back as int64_t boxes: tonumber() them.
local ffi = require("ffi")

return function(library, header)
  -- What LuaJIT's parser does not know goes: the C++ brackets, preprocessor lines and the export mark.
  local text = assert(io.open(header)):read("*a")
  ffi.cdef((text:gsub("#ifdef __cplusplus.-#endif", ""):gsub("\n%s*#[^\n]*", ""):gsub("RONDO_API ", "")))
  local C = ffi.load(library)
  local lib = { C = C }
  function lib.check(status)
    if status ~= C.RONDO_OK then error(ffi.string(C.rondo_last_error()), 2) end
  end
  -- The value that a call writes through its last argument, as lib.ask("int64_t", C.rondo_rnn_flat_size, rnn).
  function lib.ask(kind, call, ...)
    local out, arguments, count = ffi.new(kind .. "[1]"), { ... }, select("#", ...)
    arguments[count + 1] = out
    lib.check(call(unpack(arguments, 1, count + 1)))
    return out[0]
  end

  -- Handles are destroyed when Lua collects them.
  function lib.context() return ffi.gc(lib.ask("rondo_context_t", C.rondo_context_create), C.rondo_context_destroy) end
  function lib.rnn(attributes)
    local rnn = ffi.gc(lib.ask("rondo_rnn_t", C.rondo_rnn_create), C.rondo_rnn_destroy)
    for name, value in pairs(attributes) do
      lib.check(C.rondo_rnn_set_int(rnn, lib.ask("rondo_attribute_t", C.rondo_attribute_find, name), value))
    end
    return rnn
  end
  function lib.plan(context, rnn, args)
    args.struct_size = ffi.sizeof("rondo_plan_args_t")
    local plan = lib.ask("rondo_plan_t", C.rondo_plan_create, context, rnn, ffi.new("rondo_plan_args_t", args))
    return ffi.gc(plan, C.rondo_plan_destroy)
  end

  -- Bytes on a multiple of 64, as workspace and reserve want them: a pointer, and what keeps them alive.
  function lib.aligned(bytes)
    local block = ffi.new("uint8_t[?]", tonumber(bytes) + 64)
    return block + (64 - tonumber(ffi.cast("uintptr_t", block)) % 64) % 64, block
  end

  -- Pointers to the parameters in one flat buffer, or to their gradients.
  function lib.split(rnn, flat)
    local count = tonumber(lib.ask("int64_t", C.rondo_rnn_param_count, rnn))
    local pointers = ffi.new("void *[?]", count)
    for k = 0, count - 1 do
      local info = ffi.new("rondo_param_info_t", { struct_size = ffi.sizeof("rondo_param_info_t") })
      lib.check(C.rondo_rnn_param_info(rnn, k, info))
      pointers[k] = flat + info.offset
    end
    return pointers, count
  end
  return lib
end

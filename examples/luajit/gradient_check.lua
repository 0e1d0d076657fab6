-- rondo from LuaJIT: backward's gradients of a bidirectional GRU beside slopes that forward alone shows.
-- usage: luajit gradient_check.lua LIBRARY HEADER [HIDDEN_SIZE]
local ffi = require("ffi")
package.path = (arg[0]:match("^(.*/)") or "./") .. "?.lua;" .. package.path
local T, N, I, H, D = 6, 2, 3, tonumber(arg[3] or 5), 2 -- steps, rows, input and hidden size, directions

local function main()
  local lib = require("rondo")(assert(arg[1], "LIBRARY is missing"), assert(arg[2], "HEADER is missing"))
  local C, context = lib.C, lib.context()
  local gru = lib.rnn({ cell = C.RONDO_CELL_GRU, input_size = I, hidden_size = H, bidirectional = 1,
                        dtype = C.RONDO_F64, device = C.RONDO_DEVICE_CPU })
  local plan = lib.plan(context, gru, { mode = C.RONDO_TRAINING, max_T = T, max_N = N })
  local workspace_size = lib.ask("int64_t", C.rondo_plan_workspace_size, plan)
  local reserve_size = lib.ask("int64_t", C.rondo_plan_reserve_size, plan)
  local flat_size = tonumber(lib.ask("int64_t", C.rondo_rnn_flat_size, gru))
  print(("gru %d -> %d on %s: %d parameters, workspace %d bytes, reserve %d"):format(
    I, H, ffi.string(C.rondo_plan_backend_name(plan)), flat_size, tonumber(workspace_size), tonumber(reserve_size)))

  -- A struct of pointers keeps nothing alive: these are locals, and returned where pointers alone refer to them.
  local flat, dflat = ffi.new("double[?]", flat_size), ffi.new("double[?]", flat_size)
  local x, dx = ffi.new("double[?]", T * N * I), ffi.new("double[?]", T * N * I)
  local y, dy = ffi.new("double[?]", T * N * D * H), ffi.new("double[?]", T * N * D * H)
  for k = 0, T * N * I - 1 do x[k] = math.sin(k) end
  for k = 0, T * N * D * H - 1 do dy[k] = 1 end -- the gradient of the sum of y
  local params, count = lib.split(gru, flat)
  local dparams = lib.split(gru, dflat)
  lib.check(C.rondo_rnn_init_params(gru, 1, params, count))
  local workspace, workspace_block = lib.aligned(workspace_size)
  local reserve, reserve_block = lib.aligned(reserve_size)
  local function call(kind)
    return ffi.new(kind, { struct_size = ffi.sizeof(kind), batch = { T = T, N = N }, x = x, y = y,
                           params = ffi.cast("const void *const *", params), param_count = count, workspace = workspace,
                           workspace_size = workspace_size, reserve = reserve, reserve_size = reserve_size })
  end
  local forward, backward = call("rondo_forward_args_t"), call("rondo_backward_args_t")
  backward.dy, backward.dx, backward.dparams = dy, dx, dparams
  local function sum()
    local total = 0
    lib.check(C.rondo_forward(plan, forward))
    for k = 0, T * N * D * H - 1 do total = total + y[k] end
    return total
  end
  sum()
  lib.check(C.rondo_backward(plan, backward))
  local worst, step = 0, 1e-6
  for _, pair in ipairs({ { x, dx, T * N * I }, { flat, dflat, flat_size } }) do
    for k = 0, pair[3] - 1 do
      local before = pair[1][k]
      pair[1][k] = before + step
      local above = sum()
      pair[1][k] = before - step
      worst = math.max(worst, math.abs(pair[2][k] - (above - sum()) / (2 * step)))
      pair[1][k] = before
    end
  end
  print(("dx[0] = %.6f; %d gradients, %.1e from the slopes at worst"):format(dx[0], T * N * I + flat_size, worst))
  return workspace_block, reserve_block, params, dparams, dy
end

local fine, text = pcall(main)
if not fine then
  io.stderr:write("gradient_check: ", tostring(text), "\n")
  os.exit(1)
end

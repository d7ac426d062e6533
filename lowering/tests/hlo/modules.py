"""Modules in XLA's notation, one for each group of operations that a program compiled for the CPU does not keep."""

ADD = "add { a = f32[] parameter(0)\n b = f32[] parameter(1)\n ROOT s = f32[] add(a, b) }"

MODULES = {
    "attributes": f"""HloModule attributes, frontend_attributes={{x="y"}}, replica_count=2, num_partitions=2
    {ADD}
    ENTRY main {{
      x = f32[2,4]{{1,0}} parameter(0), sharding={{devices=[2,1]0,1}}, parameter_replication={{true}}
      y = f32[2,4]{{0,1}} parameter(1), sharding={{replicated}}, frontend_attributes={{a="b",c={{"k":1}}}}
      y1 = f32[2,4]{{0,1}} copy(y), sharding={{manual}}
      y2 = f32[2,4]{{0,1}} copy(y), sharding={{maximal device=1}}
      y3 = f32[2,4]{{0,1}} copy(y), sharding={{unknown}}
      y4 = f32[2,4]{{0,1}} copy(y), sharding={{devices=[1,2,2]<=[4] last_tile_dim_replicate}}
      y5 = f32[2,4]{{0,1}} copy(y), sharding={{devices=[2,1,2]<=[2,2]T(1,0) last_tile_dims={{manual}}}}
      y6 = f32[2,4]{{0,1}} copy(y), sharding={{devices=[2,2]3,2,1,0}}
      y7 = f32[2,4]{{0,1}} copy(y), sharding={{replicated metadata={{op_name="s"}}}}
      y8 = f32[2,4]{{0,1}} copy(y), sharding={{devices=[2,1,1,2]0,1,2,3 last_tile_dims={{manual, replicated}}}}
      p = (f32[2,4], f32[]) parameter(2), sharding={{{{devices=[2,1]0,1}}, {{replicated}}}}, parameter_replication={{true,false}}
      z = f32[2,4]{{1,0}} copy(y), control-predecessors={{x}}, backend_config="some \\"text\\"\\n"
      ROOT t = f32[2,4]{{1,0}} add(x, z), metadata={{op_type="t" op_name="n\\"q" source_file="f.py" source_line=3 source_end_line=4 source_column=5 source_end_column=6 deduplicated_name="d" scheduling_name="s"}}, backend_config={{"a":[1,2]}}
    }}""",
    "shapes": """HloModule shapes, input_output_alias={ {0}: (0, {}, may-alias), {1}: (1, {}, must-alias) }, buffer_donor={ (2, {}), (3, {1}) }, entry_computation_layout={(f32[2,3]{0,1}, s8[], f32[8,128]{1,0:T(8,128)}, (f32[], token[]))->(f32[2,3]{0,1}, s8[], token[])}
    ENTRY main {
      a = f32[2,3]{0,1} parameter(0)
      b = s8[] parameter(1)
      c = f32[8,128]{1,0:T(8,128)} parameter(2)
      d = (f32[], token[]) parameter(3)
      e = bf16[8,128]{1,0:T(8,128)(2,1)S(1)} convert(c)
      f = token[] get-tuple-element(d), index=1
      i = s32[] constant(3)
      g = f32[<=8,128]{1,0} set-dimension-size(c, i), dimensions={0}
      h = s32[] get-dimension-size(g), dimensions={0}
      o = opaque[] custom-call(), custom_call_target="opaque"
      n = f8e8m0fnu[5]{0} constant({1, 2, 4, 8, 16})
      m = f4e2m1fn[5]{0:E(4)} convert(n)
      l = f8e3m4[5]{0} convert(m)
      k = s2[5]{0:E(2)} convert(l)
      j = u4[5]{0:E(4)} convert(k)
      q = () tuple()
      r1 = (f32[2,3]{0,1}, s8[]) tuple(a, b)
      r = ((f32[2,3]{0,1}, s8[]), ()) tuple(r1, q)
      ROOT t = (f32[2,3]{0,1}, s8[], token[]) tuple(a, b, f)
    }""",
    "literals": """HloModule literals
    ENTRY main {
      a = f32[] constant(0.1)
      b = f32[] constant(nan)
      c = f32[] constant(-nan)
      d = f32[2]{0} constant({-inf, 16777216})
      e = f32[10]{0} constant({0.1, 1e-7, 3.1415927, 1e10, 100000, 1e6, 123456, 1234567, 1e-4, 1e-5})
      e1 = f32[3]{0} constant({1.5e-45, 0.3333333333, 3.4028235e38})
      f = f64[10]{0} constant({0.1, 1e-7, 3.141592653589793, 1e10, 100000, 1e15, 1e16, 123456789012345678, 1e-4, 1e-5})
      g = c64[2,2]{1,0} constant({ { (1, 2), (0.1, -0) }, { (nan, inf), (3, 4) } })
      h = c128[] constant((0.1, 1e300))
      i = bf16[10]{0} constant({0.1, 1e-7, 3.14, 1e10, 256, 257, 1000, -0, nan, inf})
      j = f16[10]{0} constant({0.1, 1e-7, 3.14, 1e4, 256, 257, 1000, -0, nan, inf})
      k = f8e4m3fn[8]{0} constant({0.1, 3.14, 256, 240, -0, nan, 1.5, 0.002})
      l = f8e5m2[8]{0} constant({0.1, 3.14, 256, 24000, -0, nan, inf, 1e-5})
      m = f8e4m3[4]{0} constant({0.1, 3.14, 240, inf})
      n = f8e3m4[4]{0} constant({0.1, 3.14, 15.5, inf})
      o = f8e4m3b11fnuz[4]{0} constant({0.1, 3.14, 15.5, nan})
      p = f8e5m2fnuz[4]{0} constant({0.1, 3.14, 15.5, nan})
      q = f8e4m3fnuz[4]{0} constant({0.1, 3.14, 15.5, nan})
      r = f4e2m1fn[4]{0:E(4)} constant({0.5, 3, -6, 1.5})
      s = f8e8m0fnu[4]{0} constant({0.5, 2, 64, nan})
      t = s4[4]{0:E(4)} constant({-8, 7, 0, 1})
      u = u4[3]{0:E(4)} constant({15, 7, 0})
      v = s2[5]{0:E(2)} constant({-2, 1, 0, -1, 1})
      w = u2[5]{0:E(2)} constant({3, 1, 0, 2, 1})
      x = pred[2,2]{1,0} constant({ { true, false }, { false, true } })
      y = (f32[], s32[2]{0}) constant((1, {2, 3}))
      z = f32[0]{0} constant({})
      z1 = f32[2,0]{1,0} constant({ { }, { } })
      z2 = s32[11]{0} constant({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})
      z3 = s32[2,5]{1,0} constant({ { 1, 2, 3, 4, 5 }, { 1, 2, 3, 4, 5 } })
      z4 = s32[2,3]{0,1} constant({ { 1, 2, 3 }, { 4, 5, 6 } })
      z5 = u64[2]{0} constant({18446744073709551615, 0})
      z6 = s16[2]{0} constant({-1, 5})
      z7 = u16[2]{0} constant({65535, 5})
      z8 = s8[2]{0} constant({-1, 5})
      z9 = s32[2,1,2]{2,1,0} constant({ { { 1, 2 } }, { { 3, 4 } } })
      ROOT zz = s64[] constant(-9223372036854775808)
    }""",
    "collectives": f"""HloModule collectives, replica_count=4
    {ADD}
    ENTRY main {{
      x = f32[4,4]{{1,0}} parameter(0)
      a = f32[4,4]{{1,0}} all-reduce(x), replica_groups={{{{0,1}},{{2,3}}}}, to_apply=add
      b = f32[4,4]{{1,0}} all-reduce(x), channel_id=1, replica_groups={{{{0,1,2,3}}}}, use_global_device_ids=true, to_apply=add
      c = f32[16,4]{{1,0}} all-gather(x), channel_id=2, replica_groups=[1,4]<=[4], dimensions={{0}}, use_global_device_ids=true
      d = f32[1,4]{{1,0}} reduce-scatter(x), replica_groups=[1,4]<=[2,2]T(1,0), dimensions={{0}}, to_apply=add
      e = f32[4,4]{{1,0}} all-to-all(x), replica_groups={{{{0,1,2,3}}}}, dimensions={{0}}
      e1 = f32[4,4]{{1,0}} collective-broadcast(x), replica_groups={{{{0,1}},{{2,3}}}}, channel_id=9
      f = f32[4,4]{{1,0}} collective-permute(x), source_target_pairs={{{{0,1}},{{1,0}}}}
      g = f32[4,4]{{1,0}} all-reduce-start(x), replica_groups={{}}, to_apply=add
      h = f32[4,4]{{1,0}} all-reduce-done(g)
      i = (f32[4,4]{{1,0}}, f32[16,4]{{1,0}}) all-gather-start(x), replica_groups={{{{0,1,2,3}}}}, dimensions={{0}}
      j = f32[16,4]{{1,0}} all-gather-done(i)
      k = (f32[4,4]{{1,0}}, f32[4,4]{{1,0}}, u32[], u32[]) collective-permute-start(x), channel_id=3, source_target_pairs={{{{0,1}}}}
      l = f32[4,4]{{1,0}} collective-permute-done(k)
      r = u32[] replica-id()
      p = u32[] partition-id()
      tok = token[] after-all()
      s = (f32[4,4]{{1,0}}, u32[], token[]) send(x, tok), channel_id=4, is_host_transfer=true
      sd = token[] send-done(s), channel_id=4, is_host_transfer=true
      rv = (f32[4,4]{{1,0}}, u32[], token[]) recv(sd), channel_id=5
      rd = (f32[4,4]{{1,0}}, token[]) recv-done(rv), channel_id=5
      infd = (f32[2]{{0}}, token[]) infeed(tok), infeed_config="cfg\\001"
      outf = token[] outfeed(x, tok), outfeed_shape=f32[4,4]{{1,0}}, outfeed_config="oc"
      tok2 = token[] after-all(sd, outf)
      dep = f32[4,4]{{1,0}} add-dependency(x, tok2)
      dom = f32[4,4]{{1,0}} domain(x), domain={{kind="sharding", entry={{replicated}}, exit={{maximal device=0}}}}
      ROOT t = (f32[4,4]{{1,0}}, f32[4,4]{{1,0}}) tuple(a, dep)
    }}""",
    "async": """HloModule async, is_scheduled=true
    wrapped { p = f32[4]{0} parameter(0)
      ROOT c = f32[2]{0} custom-call(p), custom_call_target="foo" }
    long { p = f32[4]{0} parameter(0)
      n = f32[4]{0} negate(p)
      ROOT c = f32[4]{0} exponential(n) }, execution_thread="parallel"
    ENTRY main {
      x = f32[4]{0} parameter(0)
      a = ((f32[4]{0}), f32[2]{0}, s32[]) custom-call-start(x), custom_call_target="foo"
      b = ((f32[4]{0}), f32[2]{0}, s32[]) custom-call-update(a)
      c = f32[2]{0} custom-call-done(b)
      e = ((f32[4]{0}), f32[4]{0}, s32[]) async-start(x), async_execution_thread="parallel", calls=long
      f = f32[4]{0} async-done(e)
      cs = (f32[4]{0}, f32[4]{0}, u32[]) copy-start(f), cross_program_prefetch_index=0
      cd = f32[4]{0} copy-done(cs)
      ROOT t = (f32[2]{0}, f32[4]{0}) tuple(c, cd)
    }""",
    "calls": f"""HloModule calls
    {ADD}
    gt {{ a = f32[] parameter(0)
      b = f32[] parameter(1)
      ROOT s = pred[] compare(a, b), direction=GT, type=TOTALORDER }}
    cond {{ p = (s32[], f32[4]) parameter(0)
      i = s32[] get-tuple-element(p), index=0
      n = s32[] constant(5)
      ROOT l = pred[] compare(i, n), direction=LT }}
    body {{ p = (s32[], f32[4]) parameter(0)
      i = s32[] get-tuple-element(p), index=0
      v = f32[4] get-tuple-element(p), index=1
      one = s32[] constant(1)
      j = s32[] add(i, one)
      ROOT r = (s32[], f32[4]) tuple(j, v) }}
    br0 {{ ROOT p = f32[4] parameter(0) }}
    br1 {{ p = f32[4] parameter(0)
      ROOT n = f32[4] negate(p) }}
    fused {{ p = f32[4] parameter(0)
      q = f32[4] parameter(1)
      ROOT n = f32[4] multiply(p, q) }}
    ENTRY main {{
      x = f32[4] parameter(0)
      init = f32[] constant(0)
      zero = s32[] constant(0)
      yes = pred[] constant(true)
      st = (s32[], f32[4]) tuple(zero, x)
      w = (s32[], f32[4]) while(st), condition=cond, body=body, backend_config={{"known_trip_count":{{"n":"5"}}}}
      c = f32[4] conditional(yes, x, x), true_computation=br0, false_computation=br1
      s = f32[4] conditional(zero, x, x, x), branch_computations={{br0, br1, br0}}
      k = f32[] call(init, init), to_apply=add
      comp = f32[] call(init, init), to_apply=add, is_composite=true, frontend_attributes={{composite.attributes={{n=1}},composite.name="foo.bar",composite.version="1"}}
      m = f32[4] map(x, x), dimensions={{0}}, to_apply=add
      r = f32[] reduce(x, init), dimensions={{0}}, to_apply=add
      so = f32[4] sort(x), dimensions={{0}}, is_stable=true, to_apply=gt
      rw = f32[2] reduce-window(x, init), window={{size=2 stride=2}}, to_apply=add
      two = f32[2] constant({{1, 2}})
      ss = f32[4] select-and-scatter(x, two, init), window={{size=2 stride=2}}, select=gt, scatter=add
      f = f32[4] fusion(x, m), kind=kLoop, calls=fused, output_to_operand_aliasing={{{{}}: (0, {{}})}}
      fi = f32[4] fusion(x, m), kind=kInput, calls=fused
      fo = f32[4] fusion(x, m), kind=kOutput, calls=fused
      fc = f32[4] fusion(x, m), kind=kCustom, calls=fused, backend_config={{"kind":"__triton"}}
      cc = f32[4] custom-call(x), custom_call_target="t\\"q", called_computations={{br0, br1}}, backend_config="opaque{{"
      ce = (f32[4]{{0}}, s32[]) custom-call(x), custom_call_target="t", operand_layout_constraints={{f32[4]{{0}}}}, custom_call_has_side_effect=true, output_to_operand_aliasing={{{{0}}: (0, {{}})}}, schedule=SCHEDULE_LATEST, api_version=API_VERSION_STATUS_RETURNING_UNIFIED
      cl = f32[2] custom-call(x), custom_call_target="lit", literal=s32[2]{{0}} {{1, 2}}
      cw = f32[4] custom-call(x, x), custom_call_target="conv", window={{size=2}}, dim_labels=bf_io->bf, feature_group_count=2, batch_group_count=2, operand_precision={{high,highest}}, padding_type=PADDING_VALID
      tk = (f32[2]{{0}}, s32[2]{{0}}) topk(x), k=2, largest=true
      ROOT t = (f32[4], f32[4], f32[4], f32[], f32[4], f32[], f32[4]) tuple(c, s, f, k, ss, r, so)
    }}""",
    "structure": """HloModule structure
    ENTRY main {
      x = f32[4,6]{1,0} parameter(0)
      i = s32[4,1]{1,0} parameter(1)
      z = c64[8]{0} parameter(2)
      k = u64[2]{0} parameter(3)
      q = f32[4,4]{1,0} parameter(4)
      v = f32[4]{0} parameter(5)
      zero = f32[] constant(0)
      at = s32[] constant(1)
      a = f32[6,4]{1,0} transpose(x), dimensions={1,0}
      b = f32[2,3]{1,0} slice(x), slice={[0:2], [0:6:2]}
      c = f32[9,7]{1,0} pad(x, zero), padding=1_1_1x0_1
      c1 = f32[5,5]{1,0} pad(x, zero), padding=1_0x0_-1
      d = f32[2,2]{1,0} dynamic-slice(x, at, at), dynamic_slice_sizes={2,2}
      e = f32[4,6]{1,0} dynamic-update-slice(x, d, at, at)
      f = f32[4,12]{1,0} concatenate(x, x), dimensions={1}
      g = f32[4,6]{1,0} reverse(x), dimensions={0,1}
      h = s32[4,6]{1,0} iota(), iota_dimension=1
      j = f32[4,6]{1,0} broadcast(v), dimensions={0}
      l = f32[4,6]{1,0} gather(x, i), offset_dims={1}, collapsed_slice_dims={0}, start_index_map={0}, index_vector_dim=1, slice_sizes={1,6}, indices_are_sorted=true
      l1 = f32[4,1]{1,0} gather(x, i), offset_dims={1}, collapsed_slice_dims={}, start_index_map={1}, operand_batching_dims={0}, start_indices_batching_dims={0}, index_vector_dim=1, slice_sizes={1,1}
      m = c64[8]{0} fft(z), fft_type=IFFT, fft_length={8}
      n = (u64[2]{0}, u32[4]{0}) rng-bit-generator(k), algorithm=rng_three_fry
      n1 = f32[3]{0} rng(zero, zero), distribution=rng_uniform
      n2 = u64[1]{0} rng-get-and-update-state(), delta=4
      o = f32[4,4]{1,0} triangular-solve(q, q), left_side=true, lower=true, transpose_a=NO_TRANSPOSE
      p = f32[4,4]{1,0} cholesky(q), lower=true
      r = f32[4,6]{1,0} reduce-precision(x), exponent_bits=5, mantissa_bits=10
      s = pred[4,6]{1,0} compare(x, x), direction=NE
      sx = pred[4,6]{1,0} compare(h, h), direction=GE, type=UNSIGNED
      t = f32[4,4]{1,0} dot(q, q), lhs_contracting_dims={1}, rhs_contracting_dims={0}, operand_precision={high,default}, algorithm=dot_bf16_bf16_f32_x3
      t1 = f32[4]{0} dot(q, q), lhs_batch_dims={0}, lhs_contracting_dims={1}, rhs_batch_dims={0}, rhs_contracting_dims={1}
      u = (f32[4,4]{1,0}, f32[4]{0}, f32[4]{0}) batch-norm-training(q, v, v), epsilon=0.001, feature_index=1
      w = f32[4,4]{1,0} clamp(zero, q, zero)
      y = f32[24]{0} reshape(x)
      y1 = f32[24]{0} bitcast(x)
      y2 = s32[4,6]{1,0} bitcast-convert(x)
      y4 = u32[4,6]{1,0} bitcast-convert(x)
      y3 = bf16[4,6]{1,0} stochastic-convert(x, y4)
      y5 = f32[4,6]{1,0} opt-barrier(x)
      img = f32[1,8,8,4]{3,2,1,0} parameter(6)
      ker = f32[3,3,2,4]{3,2,1,0} parameter(7)
      cv = f32[1,4,4,4]{3,2,1,0} convolution(img, ker), window={size=3x3 stride=2x2 pad=1_0x0_1 rhs_reversal=1x1}, dim_labels=b01f_01io->b01f, feature_group_count=2, operand_precision={highest,highest}
      ex = f32[4,6]{1,0} exponential(x), result_accuracy={mode=highest}, statistics={visualizing_index=1,count_nan=0.5,count_inf=2}
      ROOT root = f32[4,6]{1,0} select(s, x, ex)
    }""",
    "rare": f"""HloModule rare
    {ADD}
    sum {{ c = f32[] parameter(0)
      v = f32[] parameter(1)
      n = f32[] add(c, v)
      ROOT s = (f32[], f32[]) tuple(n, n) }}
    ENTRY main {{
      x = f32[4]{{0}} parameter(0)
      m = f32[4,4]{{1,0}} parameter(1)
      t = f32[4,4,4]{{2,1,0}} parameter(2)
      sizes = s32[2]{{0}} constant({{1, 3}})
      outer = f32[4,4]{{1,0}} dot(x, x), lhs_contracting_dims={{}}, rhs_contracting_dims={{}}
      r3 = f32[2,4,4]{{2,1,0}} broadcast(m), dimensions={{1,2}}
      rag = f32[4,4]{{1,0}} ragged-dot(m, r3, sizes), lhs_contracting_dims={{1}}, rhs_contracting_dims={{1}}, lhs_ragged_dims={{0}}, rhs_group_dims={{0}}
      c0 = f32[4,4]{{1,0}} convolution(m, m), dim_labels=bf_io->bf
      tok = token[] after-all()
      i = (f32[2]{{0}}, token[]) infeed(tok)
      ar = f32[4]{{0}} all-reduce(x), replica_groups={{}}, constrain_layout=true, to_apply=add
      ts = f32[4,4]{{1,0}} triangular-solve(m, m), unit_diagonal=true, transpose_a=ADJOINT
      n1 = f32[] constant(nan(0x123))
      n2 = f32[2]{{0}} constant({{-nan(0x400001), 1}})
      n3 = bf16[] constant(nan(0x41))
      or = f32[4]{{0}} negate(x), origin={{{{"orig" {{}}}}}}
      tw = (f32[4]{{0}}, f32[4]{{0}}) tuple(x, x), origin={{({{"a" {{0}}}}, {{"b"}})}}
      ROOT root = f32[4]{{0}} negate(or)
    }}""",
    "scan": """HloModule scan
    body { c = f32[] parameter(0)
      v = f32[] parameter(1)
      n = f32[] add(v, c)
      ROOT s = (f32[], f32[]) tuple(n, n) }
    ENTRY main {
      x = f32[4]{0} parameter(0)
      z = f32[] constant(0)
      lit = s32[3,1]{1,0} constant({ {1}, {2}, {3} })
      a = (f32[4]{0}, f32[]) scan(x, z), dimensions={0}, is_reverse=true, num_carries=1, to_apply=body
      b = (f32[4]{0}, f32[]) scan(x, z), dimensions={0}, num_carries=1, is_associative=true, to_apply=body
      ROOT r = f32[4]{0} get-tuple-element(b), index=0
    }""",
    "meshes": """HloModule meshes, replica_count=4
    ENTRY main {
      x = f32[4,4]{1,0} parameter(0), sharding={mesh['a'=2,'b'=2], [{'a'}, {'b'}]}
      a = f32[4,4]{1,0} copy(x), sharding={mesh['a'=2,'b'=2], [{'a', ?}, {?}]}
      b = f32[4,4]{1,0} copy(x), sharding={mesh['a'=4,'b'=2], [{'a':(1)2}, {'b'}]}
      c = f32[4,4]{1,0} copy(x), sharding={mesh['a'=2,'b'=2,'c'=2], [{'a'}, {}], replicated={'b'}, unreduced={'c'}, metadata={{op_name="x"}}}
      d = f32[4,4]{1,0} copy(x), sharding={mesh['a'=2,'b'=2], device_ids=(3,2,1,0), [{'a'}, {'b'}]}
      e = f32[4,4]{1,0} copy(x), sharding={mesh['a'=2,'b'=2], device_ids=([2,2]T(1,0)), [{'a'}, {}], manual={'b'}}
      f = f32[4,4]{1,0} copy(x), sharding={mesh['a'=2,'b'=2], [{}, {}]}
      g = f32[4,4]{1,0} copy(x), sharding={devices=[2,2]<=[4] shard_as 3}
      h = f32[4,4]{1,0} copy(x), sharding={replicated shard_like 7}
      i = f32[4,4]{1,0} copy(x), sharding={unreduced}
      j = f32[4,4]{1,0} copy(x), sharding={devices=[2,1,2,2]<=[8] last_tile_dims={manual, unreduced} metadata={{op_name="a"}, {op_name="b"}}}
      k = f32[4,4]{1,0} copy(x), sharding={mesh['a'=2,'b'=2], []}
      ROOT r = f32[8,4]{1,0} all-gather(x), replica_groups=mesh['a'=2,'b'=2] {'a'}, dimensions={0}
    }""",
}

//! Operations across devices: every member of a group shows its operands, looks at everyone's and writes its own result.
//!
//! Reductions of long arrays are shared out: each member reduces one part, and the parts are exchanged. The group of a
//! process follows the specification's rules (see `collectives`) and is worked out when the program runs, since the grid is
//! an execution's. All members combine in the group's order, so all get the same bits.

use std::sync::Arc;

use jacinth_lowering::ops::collective::{
    AllGather, AllReduce, AllToAll, CollectiveBroadcast, CollectivePermute, ReduceScatter, ReplicaGroups,
};
use smallvec::SmallVec;

use super::element::by_width;
use super::strided::{StridedCopy, product, strides};
use super::{Builder, Built, Cost, Kernel, KernelContext, RegionFn};
use crate::collectives::{Contributions, Strategy, new_site};
use crate::{Error, Result};

/// Bytes of an operand from which a reduction is shared out among the members.
const SHARED: usize = 1 << 16;

/// Elements that are combined at a time.
const TILE: usize = 4096;

/// How the operands of a group become each member's results.
#[derive(Debug)]
enum How {
    /// `all_reduce`.
    Reduce(Combiner),
    /// `all_gather`: bytes of one run of the gathered dimension and everything inside it.
    Gather { runs: Vec<usize> },
    /// `reduce_scatter`.
    ReduceScatter { combiner: Combiner, outer: usize, run: usize },
    /// `all_to_all`: the part of one member, and how far apart parts are in operand and result, in elements.
    Exchange { parts: Vec<Part>, count: usize },
    /// `collective_broadcast`.
    Broadcast,
    /// `collective_permute`: pairs of ids.
    Permute { pairs: Vec<(i64, i64)> },
}

/// One operand of an `all_to_all`.
#[derive(Debug)]
struct Part {
    copy: StridedCopy,
    /// Bytes of an element.
    width: usize,
    from: usize,
    to: usize,
}

#[derive(Debug)]
struct Combiner {
    region: Arc<dyn RegionFn>,
    width: usize,
}

#[derive(Debug)]
struct Collective {
    name: &'static str,
    site: u64,
    strategy: Strategy,
    groups: Vec<Vec<i64>>,
    /// Bytes of each operand and of each result.
    operands: SmallVec<[usize; 2]>,
    results: SmallVec<[usize; 2]>,
    how: How,
    cost: Cost,
}

pub(super) fn all_reduce(op: &AllReduce, b: &Builder<'_>) -> Built {
    let Some(combiner) = Combiner::new(b)? else { return Ok(None) };
    let strategy = Strategy::reducing(op.channel_handle, op.use_global_device_ids)?;
    build(b, "all_reduce", strategy, &op.replica_groups, How::Reduce(combiner))
}

pub(super) fn all_gather(op: &AllGather, b: &Builder<'_>) -> Built {
    let dim = op.all_gather_dim as usize;
    let runs = b.operands.iter().map(|ty| product(&ty.shape[dim..]) * ty.element.byte_width()).collect();
    let strategy = Strategy::reducing(op.channel_handle, op.use_global_device_ids)?;
    build(b, "all_gather", strategy, &op.replica_groups, How::Gather { runs })
}

pub(super) fn reduce_scatter(op: &ReduceScatter, b: &Builder<'_>) -> Built {
    let Some(combiner) = Combiner::new(b)? else { return Ok(None) };
    let (dim, result) = (op.scatter_dimension as usize, &b.results[0]);
    let outer = product(&result.shape[..dim]);
    let run = product(&result.shape[dim..]);
    let strategy = Strategy::reducing(op.channel_handle, op.use_global_device_ids)?;
    let how = How::ReduceScatter { combiner, outer, run };
    build(b, "reduce_scatter", strategy, &op.replica_groups, how)
}

pub(super) fn all_to_all(op: &AllToAll, b: &Builder<'_>) -> Built {
    let (split, concat) = (op.split_dimension as usize, op.concat_dimension as usize);
    let parts = b.operands.iter().zip(b.results).map(|(operand, result)| {
        let mut shape = operand.shape.clone();
        shape[split] /= op.split_count;
        let (src, dst) = (strides(&operand.shape), strides(&result.shape));
        Part {
            copy: StridedCopy::new(&shape, &src, &dst),
            width: operand.element.byte_width(),
            from: shape[split] as usize * src[split] as usize,
            to: shape[concat] as usize * dst[concat] as usize,
        }
    });
    let how = How::Exchange { parts: parts.collect(), count: op.split_count as usize };
    build(b, "all_to_all", Strategy::moving(op.channel_handle), &op.replica_groups, how)
}

pub(super) fn collective_broadcast(op: &CollectiveBroadcast, b: &Builder<'_>) -> Built {
    if op.has_dynamic_root {
        return Err(Error::unimplemented("collective_broadcast with a dynamic root is not supported yet"));
    }
    build(b, "collective_broadcast", Strategy::moving(op.channel_handle), &op.replica_groups, How::Broadcast)
}

pub(super) fn collective_permute(op: &CollectivePermute, b: &Builder<'_>) -> Built {
    let how = How::Permute { pairs: op.source_target_pairs.clone() };
    let everyone = ReplicaGroups::default();
    build(b, "collective_permute", Strategy::moving(op.channel_handle), &everyone, how)
}

fn build(b: &Builder<'_>, name: &'static str, strategy: Strategy, groups: &ReplicaGroups, how: How) -> Built {
    if groups.mesh_axes.is_some() {
        return Err(Error::unimplemented(format!("{name} over the axes of a mesh is not supported yet")));
    }
    let bytes = |types: &[jacinth_lowering::TensorType]| {
        types.iter().map(|ty| product(&ty.shape) * ty.element.byte_width()).collect()
    };
    let flops = match how {
        How::Reduce(_) | How::ReduceScatter { .. } => {
            b.operands.iter().map(|ty| product(&ty.shape) as u64).sum()
        }
        _ => 0,
    };
    Ok(Some(Box::new(Collective {
        name,
        site: new_site(),
        strategy,
        groups: groups.groups.clone(),
        operands: bytes(b.operands),
        results: bytes(b.results),
        how,
        cost: b.cost(flops),
    })))
}

impl Combiner {
    /// The region, if it takes two scalars of the operands' one type and gives one.
    fn new(b: &Builder<'_>) -> Result<Option<Combiner>> {
        let Some(first) = b.operands.first() else { return Ok(None) };
        let block = &b.regions[0];
        let scalars = block.args.iter().chain(&block.results).all(|v| {
            b.values[v.index()].as_tensor().is_some_and(|ty| ty.rank() == 0 && ty.element == first.element)
        });
        if !scalars || b.operands.iter().chain(b.results).any(|ty| ty.element != first.element) {
            return Ok(None);
        }
        let region = b.cx.compile_region(block)?;
        Ok(region.map(|region| Combiner { region, width: first.element.byte_width() }))
    }

    /// Combines `elements` elements, which member `i` has at `member(i)`, into `out`.
    ///
    /// # Safety
    /// Every member's array and `out` have that many elements, and `out` overlaps none of them.
    unsafe fn combine(
        &self,
        elements: usize,
        members: usize,
        member: impl Fn(usize) -> *const u8,
        out: *mut u8,
    ) {
        // Words, so that elements are aligned.
        let words = (TILE.min(elements) * self.width).div_ceil(16).max(1);
        let mut scratch = [vec![0u128; words], vec![0u128; words]];
        for start in (0..elements).step_by(TILE) {
            let lanes = TILE.min(elements - start);
            let at = start * self.width;
            let mut sum = member(0).wrapping_add(at);
            for i in 1..members {
                let target = if i + 1 == members {
                    out.wrapping_add(at)
                } else {
                    scratch[i % 2].as_mut_ptr().cast::<u8>()
                };
                // SAFETY: `lanes` elements from `at` on lie inside each array; the two scratch arrays take turns, so the
                // target is neither operand.
                unsafe { self.region.call(lanes, &[sum, member(i).wrapping_add(at)], &[target]) };
                sum = target;
            }
            if members == 1 {
                // SAFETY: as above.
                unsafe { std::ptr::copy_nonoverlapping(sum, out.wrapping_add(at), lanes * self.width) };
            }
        }
    }
}

impl Collective {
    /// This process's group and its place in it; none if no group names it.
    fn group(&self, cx: &KernelContext<'_>) -> Result<Option<(Vec<usize>, usize)>> {
        let grid = cx.collectives.grid();
        let (replica, partition) = (cx.replica as usize, cx.partition as usize);
        let group = self.strategy.group_of(&self.groups, grid, replica, partition)?;
        let own = grid.process(replica, partition);
        Ok(group.and_then(|group| {
            let me = group.iter().position(|&p| p == own)?;
            Some((group, me))
        }))
    }

    /// The id of this process among those that groups and pairs name.
    fn own_id(&self, cx: &KernelContext<'_>) -> i64 {
        match self.strategy {
            Strategy::CrossPartition => i64::from(cx.partition),
            _ => i64::from(cx.replica),
        }
    }
}

impl Kernel for Collective {
    unsafe fn run(&self, cx: &KernelContext<'_>, inputs: &[*const u8], outputs: &[*mut u8]) -> Result<()> {
        let Some((group, me)) = self.group(cx)? else {
            if !matches!(self.how, How::Broadcast) {
                return Err(Error::internal(format!(
                    "{}: replica {}, partition {} is in none of the replica_groups",
                    self.name, cx.replica, cx.partition
                )));
            }
            // Who gets no broadcast gets zeros.
            for (&out, &bytes) in outputs.iter().zip(&self.results) {
                // SAFETY: the output has that many bytes.
                unsafe { out.write_bytes(0, bytes) };
            }
            return Ok(());
        };
        let n = group.len();
        let shown: SmallVec<[&[u8]; 2]> = inputs
            .iter()
            .zip(&self.operands)
            // SAFETY: the input has that many bytes, and stays as it is while the kernel runs.
            .map(|(&input, &bytes)| unsafe { std::slice::from_raw_parts(input, bytes) })
            .collect();
        let meet = |show: &[&[u8]], combine: &mut dyn FnMut(Contributions<'_>)| {
            let mut combine = |all: Contributions<'_>| {
                combine(all);
                Ok(())
            };
            cx.collectives
                .exchange(self.site, &group, me, show, &mut combine)
                .map_err(|error| Error { message: format!("{}: {}", self.name, error.message), ..error })
        };

        match &self.how {
            How::Reduce(combiner) => {
                // The part of each operand that this member reduces, in elements.
                let part = |bytes: usize, member: usize| {
                    let elements = bytes / combiner.width;
                    let share = |m: usize| elements * m / n * combiner.width;
                    if bytes < SHARED { 0..bytes } else { share(member)..share(member + 1) }
                };
                meet(&shown, &mut |all| {
                    for (k, (&out, &bytes)) in outputs.iter().zip(&self.results).enumerate() {
                        let part = part(bytes, me);
                        let member = |i: usize| all.of(i)[k][part.clone()].as_ptr();
                        // SAFETY: the part lies inside every member's operand and the result.
                        unsafe {
                            combiner.combine(part.len() / combiner.width, n, member, out.add(part.start));
                        }
                    }
                })?;
                if self.results.iter().all(|&bytes| bytes < SHARED) {
                    return Ok(());
                }
                let mine: SmallVec<[&[u8]; 2]> = outputs
                    .iter()
                    .zip(&self.results)
                    .map(|(&out, &bytes)| {
                        let part = part(bytes, me);
                        // SAFETY: this member has written its part, and only reads it from here on.
                        unsafe { std::slice::from_raw_parts(out.add(part.start), part.len()) }
                    })
                    .collect();
                meet(&mine, &mut |all| {
                    for (k, (&out, &bytes)) in outputs.iter().zip(&self.results).enumerate() {
                        for other in (0..n).filter(|&other| other != me && bytes >= SHARED) {
                            let (theirs, to) = (all.of(other)[k], part(bytes, other).start);
                            // SAFETY: the other members' parts of the result, which nobody looks at here.
                            unsafe {
                                std::ptr::copy_nonoverlapping(theirs.as_ptr(), out.add(to), theirs.len())
                            };
                        }
                    }
                })
            }
            How::Gather { runs } => meet(&shown, &mut |all| {
                for (k, (&out, &run)) in outputs.iter().zip(runs).enumerate() {
                    for member in 0..n {
                        let theirs = all.of(member)[k];
                        for (i, piece) in theirs.chunks_exact(run.max(1)).enumerate() {
                            // SAFETY: piece `i` of member `member` has its place in the result.
                            unsafe {
                                let to = out.add((i * n + member) * run);
                                std::ptr::copy_nonoverlapping(piece.as_ptr(), to, run);
                            }
                        }
                    }
                }
            }),
            How::ReduceScatter { combiner, outer, run } => {
                let bytes = run * combiner.width;
                if self.operands[0] != outer * bytes * n {
                    return Err(Error::internal(format!(
                        "{}: the result is not a part for each of {n}",
                        self.name
                    )));
                }
                meet(&shown, &mut |all| {
                    for i in 0..*outer {
                        let member = |m: usize| all.of(m)[0][(i * n + me) * bytes..].as_ptr();
                        // SAFETY: the run lies inside every member's operand, and run `i` inside the result.
                        unsafe { combiner.combine(*run, n, member, outputs[0].add(i * bytes)) };
                    }
                })
            }
            How::Exchange { parts, count } => {
                if *count != n {
                    return Err(Error::internal(format!(
                        "{}: split_count is {count} in a group of {n}",
                        self.name
                    )));
                }
                meet(&shown, &mut |all| {
                    for (k, (&out, part)) in outputs.iter().zip(parts).enumerate() {
                        for member in 0..n {
                            let theirs = all.of(member)[k].as_ptr();
                            by_width!(part.width, T => {
                                // SAFETY: part `me` lies inside the operand, and the place of `member` inside the result.
                                unsafe {
                                    let from = theirs.cast::<T>().wrapping_add(me * part.from);
                                    let to = out.cast::<T>().wrapping_add(member * part.to);
                                    part.copy.run(cx, from, to);
                                }
                            });
                        }
                    }
                })
            }
            How::Broadcast => meet(&shown, &mut |all| {
                for (k, &out) in outputs.iter().enumerate() {
                    let root = all.of(0)[k];
                    // SAFETY: operand and result are of one type.
                    unsafe { std::ptr::copy_nonoverlapping(root.as_ptr(), out, root.len()) };
                }
            }),
            How::Permute { pairs } => {
                let own = self.own_id(cx);
                let source =
                    pairs.iter().find(|(_, target)| *target == own).map(|(source, _)| *source as usize);
                if let Some(source) = source.filter(|&s| s >= n) {
                    return Err(Error::internal(format!(
                        "{}: there is no process {source} among {n}",
                        self.name
                    )));
                }
                meet(&shown, &mut |all| {
                    for (k, (&out, &bytes)) in outputs.iter().zip(&self.results).enumerate() {
                        match source {
                            // SAFETY: operand and result are of one type.
                            Some(source) => unsafe {
                                std::ptr::copy_nonoverlapping(all.of(source)[k].as_ptr(), out, bytes);
                            },
                            // SAFETY: the output has that many bytes.
                            None => unsafe { out.write_bytes(0, bytes) },
                        }
                    }
                })
            }
        }
    }

    fn cost(&self) -> Cost {
        self.cost
    }
}

/// `replica_id` and `partition_id`: which process this is.
#[derive(Debug)]
struct Id {
    partition: bool,
}

pub(super) fn replica_id() -> Built {
    Ok(Some(Box::new(Id { partition: false })))
}

pub(super) fn partition_id() -> Built {
    Ok(Some(Box::new(Id { partition: true })))
}

impl Kernel for Id {
    unsafe fn run(&self, cx: &KernelContext<'_>, _: &[*const u8], outputs: &[*mut u8]) -> Result<()> {
        let id = if self.partition { cx.partition } else { cx.replica };
        // SAFETY: the result is one ui32.
        unsafe { outputs[0].cast::<u32>().write(id) };
        Ok(())
    }

    fn cost(&self) -> Cost {
        Cost { flops: 0, bytes: 4 }
    }
}

#[cfg(test)]
mod tests {
    use jacinth_lowering::ops::collective::ChannelHandle;
    use jacinth_lowering::ops::elementwise::Binary;
    use jacinth_lowering::{ElementType, Op, TensorType};

    use super::*;
    use crate::collectives::{Grid, Rendezvous};
    use crate::kernels::Serial;
    use crate::kernels::tests::{Regions, kernel_with, ty};

    fn global(handle: i64) -> Option<ChannelHandle> {
        Some(ChannelHandle { handle, channel_type: 0 })
    }

    /// Runs an operation of one operand on every process of a grid.
    fn on_grid(
        op: Op,
        grid: Grid,
        operand: &TensorType,
        result: &TensorType,
        data: impl Fn(usize) -> Vec<f32>,
    ) -> Vec<Vec<f32>> {
        let regions = Regions::binary(ElementType::F32, Binary::Add);
        let (operands, results) = (std::slice::from_ref(operand), std::slice::from_ref(result));
        let kernel = kernel_with(&op, operands, results, &regions).expect("a kernel");
        let place = Rendezvous::new(grid);
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..grid.size())
                .map(|process| {
                    let (kernel, place, input) = (&kernel, &place, data(process));
                    let mut out = vec![f32::NAN; product(&result.shape)];
                    scope.spawn(move || {
                        let cx = KernelContext {
                            pool: &Serial,
                            replica: (process / grid.partitions) as u32,
                            partition: (process % grid.partitions) as u32,
                            memory: crate::kernels::tests::memory(),
                            collectives: place,
                        };
                        // SAFETY: the arrays are of the types the kernel was built for.
                        let ran =
                            unsafe { kernel.run(&cx, &[input.as_ptr().cast()], &[out.as_mut_ptr().cast()]) };
                        place.leave();
                        ran.map(|()| out)
                    })
                })
                .collect();
            threads.into_iter().map(|t| t.join().unwrap().unwrap()).collect::<Vec<_>>()
        })
    }

    #[test]
    fn all_reduce_sums_short_and_long_arrays() {
        for n in [1usize, 3, 5000, 40_001] {
            let array = ty(&[n as i64], ElementType::F32);
            let op = AllReduce {
                replica_groups: ReplicaGroups::listed(vec![vec![0, 1, 2]]),
                channel_handle: global(1),
                use_global_device_ids: true,
            };
            let grid = Grid { replicas: 1, partitions: 3 };
            let out =
                on_grid(op.into(), grid, &array, &array, |p| (0..n).map(|i| (i * (p + 1)) as f32).collect());
            for member in out {
                assert!(member.iter().enumerate().all(|(i, &v)| v == (i * 6) as f32), "{n}");
            }
        }
    }

    #[test]
    fn all_gather_puts_members_side_by_side() {
        let op = AllGather {
            all_gather_dim: 1,
            replica_groups: ReplicaGroups::listed(vec![vec![0, 1]]),
            channel_handle: None,
            use_global_device_ids: false,
        };
        let (operand, result) = (ty(&[2, 1], ElementType::F32), ty(&[2, 2], ElementType::F32));
        let grid = Grid { replicas: 2, partitions: 1 };
        let out = on_grid(op.into(), grid, &operand, &result, |p| vec![p as f32, 10.0 + p as f32]);
        assert_eq!(out, [[0., 1., 10., 11.], [0., 1., 10., 11.]]);
    }

    #[test]
    fn reduce_scatter_gives_each_its_part() {
        let op = ReduceScatter {
            scatter_dimension: 1,
            replica_groups: ReplicaGroups::listed(vec![vec![0, 1]]),
            channel_handle: None,
            use_global_device_ids: false,
        };
        let (operand, result) = (ty(&[2, 4], ElementType::F32), ty(&[2, 2], ElementType::F32));
        let grid = Grid { replicas: 2, partitions: 1 };
        let out = on_grid(op.into(), grid, &operand, &result, |_| (0..8).map(|i| i as f32).collect());
        assert_eq!(out, [[0., 2., 8., 10.], [4., 6., 12., 14.]]);
    }

    #[test]
    fn all_to_all_transposes_members_and_parts() {
        let op = AllToAll {
            split_dimension: 1,
            concat_dimension: 0,
            split_count: 2,
            replica_groups: ReplicaGroups::listed(vec![vec![0, 1]]),
            channel_handle: None,
        };
        let (operand, result) = (ty(&[2, 4], ElementType::F32), ty(&[4, 2], ElementType::F32));
        let grid = Grid { replicas: 2, partitions: 1 };
        let out =
            on_grid(op.into(), grid, &operand, &result, |p| (0..8).map(|i| (i + 8 * p) as f32).collect());
        assert_eq!(out[0], [0., 1., 4., 5., 8., 9., 12., 13.]);
        assert_eq!(out[1], [2., 3., 6., 7., 10., 11., 14., 15.]);
    }

    #[test]
    fn permute_and_broadcast_leave_zeros_where_nothing_comes() {
        let array = ty(&[1], ElementType::F32);
        let grid = Grid { replicas: 3, partitions: 1 };
        let data = |p: usize| vec![1.0 + p as f32];
        let permute = CollectivePermute { source_target_pairs: vec![(0, 1), (2, 0)], channel_handle: None };
        assert_eq!(on_grid(permute.into(), grid, &array, &array, data), [[3.], [1.], [0.]]);
        let broadcast = CollectiveBroadcast {
            replica_groups: ReplicaGroups::listed(vec![vec![2, 1]]),
            channel_handle: None,
            has_dynamic_root: false,
        };
        assert_eq!(on_grid(broadcast.into(), grid, &array, &array, data), [[0.], [3.], [3.]]);
    }

    #[test]
    fn a_process_outside_all_groups_is_an_error_for_the_others_too() {
        let array = ty(&[1], ElementType::F32);
        let op = AllReduce {
            replica_groups: ReplicaGroups::listed(vec![vec![0]]),
            channel_handle: None,
            use_global_device_ids: false,
        };
        let regions = Regions::binary(ElementType::F32, Binary::Add);
        let types = [array];
        let kernel = kernel_with(&op.into(), &types, &types, &regions);
        let place = Rendezvous::new(Grid { replicas: 2, partitions: 1 });
        let cx = KernelContext { collectives: &place, replica: 1, ..crate::kernels::tests::context(&Serial) };
        let (input, mut out) = (1f32, 0f32);
        // SAFETY: one element each.
        let ran = unsafe { kernel.unwrap().run(&cx, &[(&raw const input).cast()], &[(&raw mut out).cast()]) };
        assert_eq!(
            ran.unwrap_err().message,
            "all_reduce: replica 1, partition 0 is in none of the replica_groups"
        );
    }
}

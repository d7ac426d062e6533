//! `PJRT_LoadedExecutable_Execute`.
//!
//! Arguments are checked first, all of them, then claimed, then those to be donated are taken; if anything is wrong, nothing
//! has happened. A short program on one device whose arguments are all there runs at once on the caller's thread; any
//! other is queued on its devices, and its results are promises. A queued program that fails gives its error to its
//! results and to its completion events, and a program on several devices fails on all of them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use jacinth_lowering::eval::{self, Evaluator};
use jacinth_lowering::{Literal, TensorType};
use pjrt_sys::*;
use smallvec::SmallVec;

use super::buffer::{Buffer, Claim, Contents, Slot, give_buffer};
use super::client::Core;
use super::device::KINDS;
use super::event::{Event, Signal};
use super::executable::Loaded;
use super::guard::{Args, entries, panic_message};
use super::program::{Backend, Program, Reference};
use crate::collectives::{Collectives, Rendezvous};
use crate::executable::{Argument, Arguments, Outputs, RunContext};
use crate::kernels::KernelContext;
use crate::{Error, Result};

/// The claims of one device's arguments, and whether each was donated.
type Claims = SmallVec<[(Claim, bool); 4]>;

entries! {
    /// `PJRT_LoadedExecutable_Execute`.
    execute(args: PJRT_LoadedExecutable_Execute_Args) {
        let loaded = args.get(args.executable)?;
        loaded.check_present()?;
        let options = read_options(&args)?;
        let inputs = Inputs::read(&args, loaded, &options)?;
        let num_outputs = loaded.program.results.len();
        let outputs = args.slice("output_lists", args.output_lists, inputs.processes.len())?;
        for list in outputs {
            args.slice_mut("an output list", *list, num_outputs)?;
        }
        let events = match args.device_complete_events.is_null() {
            true => &mut [][..],
            false => args.slice_mut("device_complete_events", args.device_complete_events, inputs.processes.len())?,
        };
        inputs.fits(loaded)?;
        let quick = inputs.processes.len() == 1 && loaded.devices.len() == 1 && loaded.is_short();
        let (mut arguments, mut claims) = (quick.then(|| inputs.lent(loaded)).flatten(), SmallVec::new());
        if arguments.is_none() {
            claims = inputs.claim(loaded)?;
            if quick && claims[0].iter().all(|(claim, _)| claim.is_settled()) {
                arguments = Some(wait(std::mem::take(&mut claims[0]))?);
            }
        }
        if let Some(arguments) = arguments {
            let results = run(&loaded.core, &loaded.program, loaded.devices[0], 0, arguments, &Launch::solo())?;
            let list = args.slice_mut("an output list", outputs.first().map_or(std::ptr::null_mut(), |l| *l), num_outputs)?;
            let memory = loaded.devices[0] * KINDS.len();
            for ((out, ty), allocation) in list.iter_mut().zip(&loaded.program.results).zip(results) {
                let contents = Contents::Ready(allocation);
                *out = give_buffer(|| Buffer::new(loaded.core.clone(), memory, ty.clone(), contents));
            }
            if let Some(event) = events.first_mut() {
                *event = Event::ready();
            }
            return Ok(());
        }

        let promises = queue(loaded, &inputs.processes, claims, options.launch_id);
        for (i, (signal, buffers)) in promises.into_iter().enumerate() {
            let list = args.slice_mut("an output list", outputs.get(i).map_or(std::ptr::null_mut(), |l| *l), num_outputs)?;
            for (out, buffer) in list.iter_mut().zip(buffers) {
                *out = give_buffer(|| buffer);
            }
            if let Some(event) = events.get_mut(i) {
                *event = Event::of(signal);
            }
        }
        Ok(())
    }
}

fn read_options(args: &Args<'_, PJRT_LoadedExecutable_Execute_Args>) -> Result<PJRT_ExecuteOptions> {
    let min = std::mem::offset_of!(PJRT_ExecuteOptions, num_non_donatable_input_indices) + size_of::<usize>();
    let options = args.sized(args.options.cast_const(), min)?.unwrap_or_else(PJRT_ExecuteOptions::new);
    if options.num_send_ops > 0 || options.num_recv_ops > 0 {
        return Err(Error::unimplemented("send and receive callbacks are not supported"));
    }
    Ok(options)
}

/// The arguments of a call, checked.
struct Inputs<'a> {
    /// The processes to start, in the order of the argument lists.
    processes: SmallVec<[usize; 1]>,
    /// One list per process.
    buffers: SmallVec<[&'a [*mut PJRT_Buffer]; 1]>,
    resolved: SmallVec<[&'a Buffer; 4]>,
    keep: &'a [i64],
}

impl<'a> Inputs<'a> {
    fn read(
        args: &Args<'a, PJRT_LoadedExecutable_Execute_Args>,
        loaded: &Loaded,
        options: &PJRT_ExecuteOptions,
    ) -> Result<Inputs<'a>> {
        let program = &loaded.program;
        let parameters = program.backend.parameters();
        let processes = processes(args, loaded)?;
        if args.num_devices != processes.len() {
            let (wanted, got) = (processes.len(), args.num_devices);
            let name = &program.name;
            return Err(Error::invalid(format!(
                "{name}: arguments are given for {got} devices, it runs on {wanted}"
            )));
        }
        if args.num_args != parameters.len() {
            let (wanted, got) = (parameters.len(), args.num_args);
            return Err(Error::invalid(format!("{}: expected {wanted} arguments, got {got}", program.name)));
        }
        let count = options.num_non_donatable_input_indices;
        let keep = args.slice("non_donatable_input_indices", options.non_donatable_input_indices, count)?;
        let mut buffers: SmallVec<[&'a [*mut PJRT_Buffer]; 1]> = SmallVec::new();
        let mut resolved: SmallVec<[&'a Buffer; 4]> =
            SmallVec::with_capacity(processes.len() * parameters.len());
        if parameters.is_empty() {
            buffers.resize(processes.len(), &[][..]);
        } else {
            for list in args.slice("argument_lists", args.argument_lists, processes.len())? {
                buffers.push(args.slice("an argument list", *list, parameters.len())?);
            }
        }
        for (&process, list) in processes.iter().zip(&buffers) {
            let device = loaded.devices[process];
            for (i, (&pointer, parameter)) in list.iter().zip(parameters).enumerate() {
                let buffer = args
                    .maybe(pointer.cast_const())
                    .ok_or_else(|| Error::invalid(format!("{}: argument {i} is null", program.name)))?;
                check(program, i, buffer, parameter, loaded, device)?;
                resolved.push(buffer);
            }
        }
        Ok(Inputs { processes, buffers, resolved, keep })
    }

    /// Refuses a program whose results and working memory can never be had, before any argument is given up for it.
    fn fits(&self, loaded: &Loaded) -> Result<()> {
        let facts = &loaded.program.facts;
        let fresh = facts.output_bytes.saturating_sub(facts.alias_bytes);
        let bytes = fresh.saturating_add(facts.temp_bytes);
        for &process in &self.processes {
            loaded.core.devices[loaded.devices[process]].allocator.admit(bytes)?;
        }
        Ok(())
    }

    /// Whether the argument is given up: the module lets it be, and the caller does not keep it.
    fn gives(&self, loaded: &Loaded, i: usize) -> bool {
        loaded.program.donatable.get(i) == Some(&true) && !self.keep.contains(&(i as i64))
    }

    /// The arguments, if all of them are there and none is given up: then nothing is waited for or undone.
    fn lent(&self, loaded: &Loaded) -> Option<Arguments> {
        if (0..loaded.program.donatable.len()).any(|i| self.gives(loaded, i)) {
            return None;
        }
        let mut arguments = Arguments::with_capacity(self.resolved.len());
        for buffer in &self.resolved {
            arguments.push(Argument::shared(buffer.ready()?));
        }
        Some(arguments)
    }

    /// Claims every argument, taking those that are donated away from their buffers.
    fn claim(&self, loaded: &Loaded) -> Result<SmallVec<[Claims; 1]>> {
        let parameters = loaded.program.backend.parameters().len();
        let gives = |i: usize| self.gives(loaded, i);
        let named = |i: usize, e: Error| Error {
            message: format!("{}: argument {i}: {}", loaded.program.name, e.message),
            ..e
        };
        let mut claims: SmallVec<[Claims; 1]> = SmallVec::new();
        let mut any = false;
        for device in 0..self.buffers.len() {
            let mut list = Claims::with_capacity(parameters);
            for (i, buffer) in
                self.resolved[device * parameters..(device + 1) * parameters].iter().enumerate()
            {
                if gives(i) {
                    any = true;
                    list.push((Claim::Nothing, true));
                } else {
                    list.push((buffer.claim().map_err(|e| named(i, e))?, false));
                }
            }
            claims.push(list);
        }
        if !any {
            return Ok(claims);
        }
        // Last, since it can be undone only as long as nobody has seen it.
        let mut taken: SmallVec<[(&Buffer, Contents); 4]> = SmallVec::new();
        for (n, buffer) in self.resolved.iter().enumerate() {
            if !gives(n % parameters) {
                continue;
            }
            match buffer.donate() {
                Ok(contents) => taken.push((buffer, contents)),
                Err(error) => {
                    for (buffer, contents) in taken {
                        buffer.give_back(contents);
                    }
                    return Err(named(n % parameters, error));
                }
            }
        }
        let slots = claims.iter_mut().flatten().filter(|(_, donated)| *donated);
        for ((claim, _), (_, contents)) in slots.zip(taken) {
            *claim = contents.donated();
        }
        Ok(claims)
    }
}

/// Which processes a call starts: all, or that of `execute_device`.
fn processes(
    args: &Args<'_, PJRT_LoadedExecutable_Execute_Args>,
    loaded: &Loaded,
) -> Result<SmallVec<[usize; 1]>> {
    let Some(device) = args.maybe(args.execute_device.cast_const()) else {
        return Ok((0..loaded.devices.len()).collect());
    };
    loaded.core.own(device)?;
    let process = loaded.devices.iter().position(|&d| d == device.index);
    let process = process.ok_or_else(|| {
        Error::invalid(format!("{} is not loaded on device {}", loaded.program.name, device.index))
    })?;
    Ok(SmallVec::from_slice(&[process]))
}

#[inline]
fn check(
    program: &Program,
    i: usize,
    buffer: &Buffer,
    parameter: &TensorType,
    loaded: &Loaded,
    device: usize,
) -> Result<()> {
    if **buffer.ty() != *parameter {
        let (name, got) = (&program.name, buffer.ty());
        return Err(Error::invalid(format!("{name}: argument {i} must be {parameter}, got {got}")));
    }
    if !Arc::ptr_eq(buffer.core(), &loaded.core) {
        return Err(Error::invalid(format!("{}: argument {i} belongs to another client", program.name)));
    }
    if buffer.device_index() != device {
        let (name, on) = (&program.name, buffer.device_index());
        return Err(Error::invalid(format!(
            "{name}: argument {i} is on device {on}, but the program runs on device {device}"
        )));
    }
    Ok(())
}

/// What the devices of one execution share.
#[derive(Clone)]
struct Launch {
    place: Option<Arc<Rendezvous>>,
}

impl Launch {
    fn solo() -> Launch {
        Launch { place: None }
    }

    fn place(&self) -> &Rendezvous {
        self.place.as_deref().unwrap_or_else(|| Rendezvous::solo())
    }
}

/// Queues the program on its devices; gives each device's signal and result buffers.
fn queue(
    loaded: &Loaded,
    processes: &[usize],
    claims: SmallVec<[Claims; 1]>,
    launch_id: i32,
) -> Vec<(Arc<Signal>, Vec<Buffer>)> {
    let (core, program) = (&loaded.core, &loaded.program);
    // All devices must see the programs that meet on them in the same order.
    let mut launches = core.launch.lock();
    let launch = match (program.grid.size(), processes.len()) {
        (1, _) => Launch::solo(),
        (all, started) if all == started => Launch { place: Some(Arc::new(Rendezvous::new(program.grid))) },
        _ => {
            let executable = Arc::as_ptr(program) as usize;
            Launch { place: Some(launches.join(executable, launch_id, program.grid)) }
        }
    };
    let start = |(&process, claims): (&usize, Claims)| {
        let device = loaded.devices[process];
        let signal = Arc::new(Signal::of_job(core.devices[device].queue.jobs()));
        let types = &program.results;
        let slots: Vec<Arc<Slot>> = types.iter().map(|_| Slot::new(signal.clone())).collect();
        let buffers = types
            .iter()
            .zip(&slots)
            .map(|(ty, slot)| {
                Buffer::new(core.clone(), device * KINDS.len(), ty.clone(), Contents::Pending(slot.clone()))
            })
            .collect();
        let (core, program, launch) = (core.clone(), program.clone(), launch.clone());
        let done = signal.clone();
        loaded.core.devices[device].queue.push(move || {
            let attempt = AssertUnwindSafe(|| run(&core, &program, device, process, wait(claims)?, &launch));
            let results = catch_unwind(attempt).unwrap_or_else(|panic| {
                let what = panic_message(&*panic);
                Err(Error::internal(format!("{}: a defect of the plugin: {what}", program.name)))
            });
            let outcome = results.map(|results| {
                for (slot, allocation) in slots.iter().zip(results) {
                    slot.fill(allocation);
                }
            });
            if let (Err(error), Some(place)) = (&outcome, &launch.place) {
                place.poison(error.clone());
            }
            if let Some(place) = &launch.place {
                place.leave();
            }
            // So that a donated result has one holder when its reader wakes.
            drop(slots);
            done.set(outcome);
        });
        (signal, buffers)
    };
    processes.iter().zip(claims).map(start).collect()
}

/// Waits for the arguments.
fn wait(claims: Claims) -> Result<Arguments> {
    let mut arguments = Arguments::with_capacity(claims.len());
    for (claim, donated) in claims {
        let allocation = claim.wait()?;
        arguments.push(if donated { Argument::donated(allocation) } else { Argument::shared(allocation) });
    }
    Ok(arguments)
}

/// Runs the program as one process, on this thread.
fn run(
    core: &Core,
    program: &Program,
    device: usize,
    process: usize,
    arguments: Arguments,
    launch: &Launch,
) -> Result<Outputs> {
    let grid = program.grid;
    let (replica, partition) = (process / grid.partitions, process % grid.partitions);
    let executable = match &program.backend {
        Backend::Compiled(executable) => executable,
        Backend::Reference(reference) => {
            return run_reference(reference, core, device, replica, partition, &arguments, launch);
        }
    };
    let cx = RunContext {
        allocator: &core.devices[device].allocator,
        kernels: KernelContext {
            pool: &core.pool,
            replica: replica as u32,
            partition: partition as u32,
            memory: &core.devices[device].allocator,
            collectives: launch.place(),
        },
    };
    executable.execute(arguments, &cx)
}

/// Runs a program that the compiler refused, one operation at a time.
fn run_reference(
    reference: &Reference,
    core: &Core,
    device: usize,
    replica: usize,
    partition: usize,
    arguments: &[Argument],
    launch: &Launch,
) -> Result<Outputs> {
    if launch.place().grid().size() > 1 {
        return Err(Error::unimplemented(
            "programs that the compiler does not take cannot run on several devices",
        ));
    }
    let types = reference.module.main().into_iter().flat_map(|main| main.arg_types());
    let literals = arguments.iter().zip(types).map(|(argument, ty)| {
        let allocation = argument.allocation();
        let ty = ty.as_tensor().ok_or_else(|| Error::internal("a parameter is no tensor"))?;
        // SAFETY: the buffer is there and holds `len` bytes that nobody writes while it is claimed.
        let bytes = unsafe { std::slice::from_raw_parts(allocation.as_ptr(), allocation.len()) };
        Ok(Literal::from_bytes(ty.clone(), bytes)?)
    });
    let literals: Vec<Literal> = literals.collect::<Result<_>>()?;
    let process = eval::Process { replica: replica as u32, partition: partition as u32 };
    let grid = Arc::new(eval::Grid::new(1, 1));
    let results = Evaluator::on_grid(&reference.module, process, grid).run("main", &literals)?;
    let mut outputs = Outputs::new();
    for literal in results {
        let bytes = literal.to_bytes();
        let mut allocation = core.devices[device].allocator.allocate(bytes.len())?;
        allocation.bytes_mut().copy_from_slice(&bytes);
        outputs.push(Arc::new(allocation));
    }
    Ok(outputs)
}

//! The ABI suite, run over every plugin: the embedded one linked, the same one as a shared library, and XLA:CPU where it
//! is installed (`cargo xtask plugins xla-cpu`).

mod programs;
mod suite;

use jacinth_pjrt::Plugin;

macro_rules! suite {
    ($($module:ident => $plugin:expr;)*) => {$(
        mod $module {
            use super::*;

            suite!(@cases $plugin;
                versions_and_attributes
                clients_have_the_devices_asked_for
                wrong_options_are_errors
                default_assignments_name_devices
                every_element_type_goes_there_and_back
                strided_host_data_is_read_as_asked
                owned_host_data_outlives_its_transfer
                host_copies_wait_poll_and_are_dropped_early
                raw_copies_read_a_part
                buffers_move_between_devices_and_memories
                deleted_buffers_say_so
                programs_run
                executions_queue_up_without_waiting
                events_call_back_and_are_awaited
                everything_may_be_dropped_while_work_runs
                donated_arguments_are_gone_and_kept_ones_stay
                replicas_run_on_their_devices
                collectives_meet
                wrong_arguments_are_errors
                wrong_programs_are_errors
                executables_describe_themselves
                executables_are_serialised_and_loaded
                deleted_executables_say_so
                topologies_describe_devices_and_compile
                threads_share_a_client
                too_much_memory_is_an_error
            );
        }
    )*};
    (@cases $plugin:expr; $($case:ident)*) => {$(
        #[test]
        fn $case() {
            if let Some(plugin) = $plugin {
                suite::$case(&plugin);
            }
        }
    )*};
}

suite! {
    embedded_linked => Some(embedded_plugin());
    embedded_loaded => Some(embedded_library());
    xla_cpu => xla_cpu_plugin();
}

/// The embedded plugin, as this process has it.
fn embedded_plugin() -> Plugin {
    jacinth_plugins::embedded().expect("the embedded plugin is always there")
}

/// The embedded plugin as a shared library, loaded like any other: being a dependency of this test, it lies beside it.
fn embedded_library() -> Plugin {
    use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
    let program = std::env::current_exe().expect("a test knows its program");
    let library = program.with_file_name(format!("{DLL_PREFIX}jacinth_cpu_pjrt{DLL_SUFFIX}"));
    Plugin::load(library).expect("the embedded plugin loads from its library")
}

/// XLA:CPU where it is installed; its absence is printed.
fn xla_cpu_plugin() -> Option<Plugin> {
    match jacinth_plugins::resolve("xla-cpu") {
        Ok(plugin) => Some(plugin),
        Err(error) => {
            println!("absent, so not tested here: {error}");
            None
        }
    }
}

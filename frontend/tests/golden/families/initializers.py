"""jax.nn.initializers. The input is the key's words."""

import jax
import jax.nn.initializers as init

from golden import DTYPES, array, case


def cases():
    key = array([0, 42], "u32")

    def begin(name, initializer, shape, variant=None, dtypes=("f32",)):
        for short in dtypes:
            label = short if variant is None else f"{variant}-{short}"
            case(f"jax.nn.initializers.{name}", lambda k: initializer(jax.random.wrap_key_data(k), shape, DTYPES[short]), key, variant=label, x64=short in ("f64", "c128"))

    floats = ["f32", "bf16", "f16", "f64"]
    begin("zeros", init.zeros, (2, 3), dtypes=floats)
    begin("ones", init.ones, (2, 3), dtypes=floats + ["c64"])
    begin("constant", init.constant(-7.5), (3,), dtypes=floats)
    begin("uniform", init.uniform(2.5), (3, 4), dtypes=floats)
    begin("normal", init.normal(0.3), (3, 4), dtypes=floats + ["c64"])
    begin("truncated_normal", init.truncated_normal(0.5), (3, 4), dtypes=floats)
    begin("truncated_normal", init.truncated_normal(2.0, lower=-1.0, upper=3.0), (3, 4), "limits")
    scaled = (
        "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "kaiming_normal", "kaiming_uniform", "lecun_normal", "lecun_uniform", "xavier_normal",
        "xavier_uniform",
    )
    for name in scaled:
        begin(name, getattr(init, name)(), (3, 4), dtypes=floats if name.startswith(("glorot", "lecun")) else ["f32"])
        begin(name, getattr(init, name)(in_axis=0, out_axis=(2, 3), batch_axis=1), (3, 2, 4, 2), "axes")
    begin("he_normal", init.he_normal(in_axis=0, out_axis=0), (5,), "vector")
    for mode in ("fan_in", "fan_out", "fan_avg", "fan_geo_avg"):
        for distribution in ("truncated_normal", "normal", "uniform"):
            begin("variance_scaling", init.variance_scaling(0.7, mode, distribution), (3, 3, 4, 2), f"{mode}-{distribution}", dtypes=["f32", "c64"] if mode == "fan_in" else ["f32"])
    begin("orthogonal", init.orthogonal(1.5), (3, 3), dtypes=["f32", "f64"])
    begin("orthogonal", init.orthogonal(), (2, 3, 4), "field")
    begin("orthogonal", init.orthogonal(column_axis=0), (4, 3, 2), "columns")
    begin("orthogonal", init.orthogonal(), (0, 3), "empty")
    begin("delta_orthogonal", init.delta_orthogonal(2.0), (3, 2, 3), dtypes=["f32", "f64"])
    begin("delta_orthogonal", init.delta_orthogonal(), (3, 4, 2, 3), "plane")
    begin("delta_orthogonal", init.delta_orthogonal(column_axis=0), (2, 3, 1, 3, 3), "columns")

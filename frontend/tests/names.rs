//! Functions of JAX's top level whose results are not values: types without values, names, switches.

use std::sync::Mutex;

use jacinth_frontend::lax::{self, Precision};
use jacinth_frontend::{
    Array, DType, closure_convert, config, ensure_compile_time_eval, grad, jacobian, jacrev, jit, make_jaxpr,
    named_call, named_scope, numpy as jnp, set_warning_hook, typeof_, vmap,
};

fn numbers() -> Array {
    Array::from([1.0f32, 2.0, 3.0])
}

#[test]
fn arrays_know_their_types() {
    let x = Array::from([[1i16, 0, 2], [0, 3, 4]]);
    assert_eq!((x.shape(), x.dtype(), x.ndim(), x.size()), (&[2, 3][..], DType::I16, 2, 6));
    assert_eq!((x.itemsize(), x.nbytes(), x.weak_type()), (2, 12, false));
    assert_eq!((x.aval().to_string(), typeof_(&x).to_string()), ("i16[2,3]".into(), "i16[2,3]".into()));
    assert!(Array::from(1.0).weak_type());
    let at: Vec<Vec<i32>> = x.nonzero().iter().map(Array::to_vec).collect();
    assert_eq!(at, [[0, 0, 1, 1], [0, 2, 1, 2]]);
}

#[test]
fn scopes_name_what_is_traced_in_them() {
    let layer =
        |x: &Array| named_scope("layer", || vmap(|x: &Array| named_scope("norm", || x.exp()))(x) * 2.0);
    let text = |f: &dyn Fn(&Array) -> String| f(&numbers());
    let plain = text(&|x| jit(layer).lower((x,)).unwrap().as_text_with_locations());
    assert!(plain.contains("\"layer/norm/exp\"(\"") && plain.contains("\"layer/mul\"(\""), "{plain}");
    // Names stay in derivatives, in nested jitted functions and in loops, and not in their jaxprs' text.
    let derived =
        text(&|x| jit(grad(|x: &Array| layer(x).sum())).lower((x,)).unwrap().as_text_with_locations());
    assert!(derived.contains("\"layer/norm/exp\"") && derived.contains("\"layer/norm/mul\""), "{derived}");
    let inner = jit(|x: &Array| named_scope("inner", || x.sin()));
    let nested = text(&|x| {
        jit(|x: &Array| named_scope("outer", || inner(x))).lower((x,)).unwrap().as_text_with_locations()
    });
    assert!(nested.contains("\"inner/sin\"") && nested.contains("\"outer/jit\""), "{nested}");
    let looped = jit(|x: &Array| {
        named_scope("loop", || {
            jacinth_frontend::api::control::fori_loop(
                0,
                3,
                |_, c: Array| named_scope("step", || c.cos()),
                x.clone(),
            )
        })
    });
    let looped = text(&|x| looped.lower((x,)).unwrap().as_text_with_locations());
    assert!(looped.contains("\"loop/step/cos\""), "{looped}");
    let jaxpr = make_jaxpr(layer)(&numbers()).unwrap().to_string();
    assert!(!jaxpr.contains("layer"), "{jaxpr}");
    let called = jit(named_call(|x: &Array| x.tanh(), "growth"));
    assert!(called.lower((&numbers(),)).unwrap().as_text_with_locations().contains("\"growth/tanh\""));
    assert!(
        !jit(|x: &Array| x.tanh()).lower((&numbers(),)).unwrap().as_text_with_locations().contains("growth")
    );
}

#[test]
fn values_are_computed_while_tracing_where_that_is_said() {
    let f = |x: &Array| {
        let n = ensure_compile_time_eval(|| jnp::arange(5).sum().item::<i32>());
        x * n
    };
    assert_eq!(make_jaxpr(f)(&Array::from(2.0f32)).unwrap().jaxpr.eqns.len(), 1);
    assert_eq!(jit(f)(&Array::from(2.0f32)).item::<f32>(), 20.0);
    let error = jit(|x: &Array| ensure_compile_time_eval(|| x + 1.0))
        .try_call((&numbers(),))
        .unwrap_err()
        .to_string();
    assert!(error.contains("traced value of type f32[3]"), "{error}");
}

#[test]
fn captures_become_arguments() {
    let derivative = |w: &Array| {
        let (f, consts) = closure_convert(|x: &Array| (x * w).sum(), (numbers(),));
        assert_eq!(consts.len(), 1);
        let by_capture = grad(move |c: &Array| f((numbers(),), std::slice::from_ref(c)));
        by_capture(&consts[0])
    };
    assert_eq!(derivative(&numbers()).to_vec::<f32>(), [1.0, 2.0, 3.0]);
    assert_eq!(grad(|w: &Array| (derivative(w) * w).sum())(&numbers()).to_vec::<f32>(), [1.0, 2.0, 3.0]);
    let (f, consts) = closure_convert(|x: &Array| x + 1.0, (numbers(),));
    let wrong = std::panic::AssertUnwindSafe(|| f((Array::from([1i32]),), &[]));
    assert!(consts.is_empty() && std::panic::catch_unwind(wrong).is_err());
}

#[test]
fn jacobian_is_jacrev() {
    let f = |x: &Array| x * x.sum();
    assert_eq!(jacobian(f)(&numbers()).to_vec::<f32>(), jacrev(f)(&numbers()).to_vec::<f32>());
}

#[test]
fn infinities_are_found_where_that_is_switched_on() {
    let f = jit(|x: &Array| (1.0f64 / x).sum());
    let x = Array::from([1.0f32, 0.0]);
    assert!(f(&x).item::<f32>().is_infinite());
    let error = config::with_debug_infs(true, || f.try_call((&x,))).unwrap_err().to_string();
    assert!(error.contains("invalid value (inf) encountered in div"), "{error}");
    // NaNs are another switch's business.
    let root = jit(|x: &Array| x.sqrt());
    let below = Array::from([-1.0f32]);
    assert!(config::with_debug_infs(true, || root.try_call((&below,))).is_ok());
    let both = config::with_debug_infs(true, || config::with_debug_nans(true, || root.try_call((&below,))));
    assert!(both.unwrap_err().to_string().contains("invalid value (nan) encountered in sqrt"));
}

#[test]
fn products_take_the_default_precision() {
    let product = || make_jaxpr(|x: &Array| x.dot(x))(&numbers()).unwrap().to_string();
    assert!(product().contains("preferred_element_type=float32") && !product().contains("HIGHEST"));
    let highest = lax::with_default_matmul_precision(Some(Precision::Highest), product);
    assert!(highest.contains("precision=(Precision.HIGHEST, Precision.HIGHEST)"), "{highest}");
    let nested = lax::with_default_matmul_precision(Some(Precision::High), || {
        lax::with_default_matmul_precision(None, product)
    });
    assert!(!nested.contains("Precision."), "{nested}");
    let given = lax::with_default_matmul_precision(Some(Precision::Highest), || {
        make_jaxpr(|x: &Array| lax::dot(x, x, Some(Precision::Default)))(&numbers()).unwrap().to_string()
    });
    assert!(given.contains("Precision.DEFAULT") && !given.contains("HIGHEST"), "{given}");
}

#[test]
fn promotion_can_be_forbidden() {
    let (ints, halves) = (Array::from([1i32, 2, 3]), numbers().astype(DType::BF16));
    let strict = |f: &(dyn Fn() -> Array + std::panic::RefUnwindSafe)| {
        config::with_strict_dtype_promotion(true, || std::panic::catch_unwind(f).is_ok())
    };
    assert!(strict(&|| numbers() + 1.0) && strict(&|| numbers() + 1) && strict(&|| Array::from([1i32]) * 2));
    assert!(!strict(&move || &ints + numbers()) && !strict(&move || &halves * numbers()));
    assert!(!strict(&|| Array::from([1i32]) + 0.5) && !strict(&|| Array::from([true]) + 1));
    let error = config::with_strict_dtype_promotion(true, || {
        jit(|x: &Array| x + Array::from([1i32, 2, 3])).try_call((&numbers(),)).unwrap_err().to_string()
    });
    assert!(error.contains("float32, int32 are not of one dtype"), "{error}");
    let square = jnp::ones([3, 3]);
    let ranks = |on| {
        let sum = jit(|x: &Array, y: &Array| x + y);
        config::with_rank_promotion_forbidden(on, || sum.try_call((&square, &numbers())))
    };
    assert!(ranks(false).is_ok());
    assert!(ranks(true).unwrap_err().to_string().contains("shapes (3, 3), (3,) are of different ones"));
    assert_eq!(config::with_rank_promotion_forbidden(true, || (&square + 1.0).sum()).item::<f32>(), 18.0);
}

#[test]
fn compilations_are_told_of_where_that_is_switched_on() {
    static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());
    set_warning_hook(|warning| SAID.lock().unwrap().push(warning.message.clone()));
    let f = jit(|x: &Array| x * 3.0).name("thrice");
    config::with_log_compiles(true, || [f(&numbers()), f(&numbers())]);
    f(&Array::from([1.0f32]));
    let said: Vec<String> = SAID.lock().unwrap().iter().filter(|m| m.contains("thrice")).cloned().collect();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("compiled `thrice` for (f32[3]) in "), "{said:?}");
}

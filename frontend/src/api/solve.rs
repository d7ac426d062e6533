//! Solutions of equations with the derivative that the equation implies: custom_linear_solve, custom_root.
//!
//! The functions are closures over pytrees, traced once. What they capture may be differentiated: the system is part of the equation.

use std::sync::Arc;

use super::tree::{self, Pytree, TreeDef};
use crate::error::{Error, OrRaise};
use crate::ir::{Array, Aval, ClosedJaxpr, Jaxpr, Prim, Source};
use crate::lax::control::{LinearSolve, Part};
use crate::lax::custom::{Callee, CustomJvpCall, JvpRule};
use crate::lax::{KIT, neg, zeros_like};
use crate::trace::{bind_at_line, eval_jaxpr, here, stage};
use crate::transform::{consts_to_invars, jvp_jaxpr, linearize, pick, transpose_jaxpr};

/// A function that solves `f(x) = b` for `x`: it is given `f` and `b`.
type Solver<'a, T> = &'a dyn Fn(&dyn Fn(T) -> T, T) -> T;

/// The solution `x` of `matvec(x) = b`, which `solve(matvec, b)` computes, with the derivatives that the equation implies.
///
/// `solve` is not differentiated: its tangent is the solution for another right side, its cotangent a solution of the transposed system, for which
/// `transpose_solve(vecmat, b)` is called. Where the system is `symmetric`, `solve` does that too. What `matvec` captures has derivatives.
///
/// # Panics
/// If `matvec` is not linear, or a function changes the structure or the types of `b`; in reverse mode, if there is no `transpose_solve`.
///
/// ```
/// # use jacinth_frontend::{Array, api::solve::custom_linear_solve, grad};
/// // x / d, by one division; the derivative in d is that of the equation d·x = b.
/// let divide = |d: &Array| custom_linear_solve(|x: Array| d * x, Array::from(6.0), |_, b| b / d, None, true);
/// assert_eq!(grad(divide)(&Array::from(2.0)).item::<f32>(), -1.5);
/// ```
#[track_caller]
pub fn custom_linear_solve<T: Pytree>(
    matvec: impl Fn(T) -> T,
    b: T,
    solve: impl Fn(&dyn Fn(T) -> T, T) -> T,
    transpose_solve: Option<Solver<'_, T>>,
    symmetric: bool,
) -> T {
    let with_nothing = |f: &dyn Fn(T) -> T, b: T| (solve(f, b), ());
    let transpose_solve = transpose_solve.map(|solve| move |f: &dyn Fn(T) -> T, b: T| (solve(f, b), ()));
    let transpose_solve = transpose_solve.as_ref().map(|f| f as &dyn Fn(&dyn Fn(T) -> T, T) -> (T, ()));
    custom_linear_solve_with_aux(matvec, b, with_nothing, transpose_solve, symmetric).0
}

/// [`custom_linear_solve`] with functions that give something beside the solution, which has no derivative.
///
/// ```
/// # use jacinth_frontend::{Array, api::solve::custom_linear_solve_with_aux};
/// let d = Array::from([2.0f32, 4.0]);
/// let solve = |_: &dyn Fn(Array) -> Array, b: Array| (b / &d, Array::from(1)); // and the number of steps
/// let b = Array::from([1.0f32, 2.0]);
/// let (x, steps) = custom_linear_solve_with_aux(|x: Array| &d * x, b, solve, None, true);
/// assert_eq!((x.to_vec::<f32>(), steps.item::<i32>()), (vec![0.5, 0.5], 1));
/// ```
///
/// # Panics
/// As [`custom_linear_solve`].
#[track_caller]
pub fn custom_linear_solve_with_aux<T: Pytree, A: Pytree>(
    matvec: impl Fn(T) -> T,
    b: T,
    solve: impl Fn(&dyn Fn(T) -> T, T) -> (T, A),
    transpose_solve: Option<&dyn Fn(&dyn Fn(T) -> T, T) -> (T, A)>,
    symmetric: bool,
) -> (T, A) {
    const NAME: &str = "custom_linear_solve";
    let at = here();
    let (b, def) = tree::flatten(&b);
    let avals: Vec<Aval> = b.iter().map(|x| x.aval().strong()).collect();
    let same = |what: &str, x: &T| {
        let (leaves, found) = tree::flatten(x);
        check(NAME, at, what, &def, &avals, &found, &leaves);
        leaves
    };
    let build = |leaves: Vec<Array>| tree::unflatten::<T>(&def, leaves);
    let matvec_closed = stage("matvec", &avals, at, |x| same("matvec", &matvec(build(x))));
    let mut aux_def = None;
    let mut staged =
        |what: &'static str, f: &dyn Fn(T) -> T, solve: &dyn Fn(&dyn Fn(T) -> T, T) -> (T, A)| {
            stage(what, &avals, at, |b| {
                let (x, aux) = solve(f, build(b));
                let (aux, found) = tree::flatten(&aux);
                aux_def = Some(found);
                [same(what, &x), aux].concat()
            })
        };
    let solve_closed = staged("solve", &matvec, &solve);
    let transposed = if symmetric && transpose_solve.is_none() {
        Some((matvec_closed.clone(), staged("solve", &matvec, &solve)))
    } else if let Some(transpose_solve) = transpose_solve {
        let vecmat_closed =
            if symmetric { matvec_closed.clone() } else { transpose(&matvec_closed, &avals, at) };
        let vecmat = |x: T| build(eval_jaxpr(&vecmat_closed.jaxpr, &vecmat_closed.consts, &tree::leaves(&x)));
        let solver = staged("transpose_solve", &vecmat, transpose_solve);
        Some((vecmat_closed.clone(), solver))
    } else {
        None
    };
    let mut args: Vec<Array> = Vec::new();
    let mut part = |closed: &ClosedJaxpr| {
        args.extend(closed.consts.iter().cloned());
        Part { jaxpr: consts_to_invars(&closed.jaxpr), num_consts: closed.consts.len() }
    };
    let matvec = part(&matvec_closed);
    let vecmat = transposed.as_ref().map(|(vecmat, _)| part(vecmat));
    let solve = part(&solve_closed);
    let transposed = vecmat.zip(transposed.as_ref().map(|(_, solver)| part(solver)));
    let strong = b.iter().zip(&avals).map(|(x, aval)| crate::lax::convert_weakly(x, aval.dtype, false));
    args.extend(strong);
    let outs = bind_at_line(Prim::new(LinearSolve { matvec, solve, transposed }), &args, at).into_vec();
    let (x, aux) = outs.split_at(avals.len());
    (build(x.to_vec()), tree::unflatten(&aux_def.expect("solve was traced"), aux.to_vec()))
}

/// The transpose of a linear function of arrays of these types.
fn transpose(closed: &ClosedJaxpr, avals: &[Aval], at: Source) -> ClosedJaxpr {
    let open = consts_to_invars(&closed.jaxpr);
    let linear: Vec<bool> = open.invars.iter().enumerate().map(|(i, _)| i >= closed.consts.len()).collect();
    let all = vec![true; open.outs.len()];
    let transposed = transpose_jaxpr(&KIT, &open, &linear, &all, at);
    stage("vecmat", avals, at, |cts| {
        let mut given = eval_jaxpr(&transposed.jaxpr, &[], &[&closed.consts[..], &cts].concat()).into_iter();
        let nonzero = &transposed.nonzero[closed.consts.len()..];
        let fill =
            |(nz, aval): (&bool, &Aval)| if *nz { given.next().expect("one each") } else { zeros_like(aval) };
        nonzero.iter().zip(avals).map(fill).collect()
    })
}

/// A root of `f`: `x` with `f(x) = 0`, which `solve(f, initial_guess)` computes, with the derivative that the equation implies.
///
/// `solve` is not differentiated. `tangent_solve(g, y)` solves `g(x) = y` for the linear function `g`, the derivative of `f` at the root. What `f`
/// captures has derivatives; the initial guess and what `solve` captures have none.
///
/// # Panics
/// If a function changes the structure or the types of the initial guess.
///
/// ```
/// # use jacinth_frontend::{Array, api::solve::custom_root, grad};
/// // The square root by Newton's method.
/// let sqrt = |y: &Array| {
///     let newton = |_: &dyn Fn(Array) -> Array, x: Array| (0..6).fold(x, |x, _| (&x + y / &x) * 0.5);
///     custom_root(|x: Array| &x * &x - y, Array::from(1.0f32), newton, |g, b| b / g(Array::from(1.0f32)))
/// };
/// assert_eq!(sqrt(&Array::from(4.0f32)).item::<f32>(), 2.0);
/// assert_eq!(grad(sqrt)(&Array::from(4.0f32)).item::<f32>(), 0.25);
/// ```
#[track_caller]
pub fn custom_root<T: Pytree>(
    f: impl Fn(T) -> T,
    initial_guess: T,
    solve: impl Fn(&dyn Fn(T) -> T, T) -> T,
    tangent_solve: impl Fn(&dyn Fn(T) -> T, T) -> T,
) -> T {
    let with_nothing = |f: &dyn Fn(T) -> T, x: T| (solve(f, x), ());
    custom_root_with_aux(f, initial_guess, with_nothing, tangent_solve).0
}

/// [`custom_root`] with a `solve` that gives something beside the root, which has no derivative.
///
/// ```
/// # use jacinth_frontend::{Array, api::solve::custom_root_with_aux};
/// let newton = |_: &dyn Fn(Array) -> Array, x: Array| {
///     ((0..6).fold(x, |x, _| (&x + 4.0 / &x) * 0.5), Array::from(6)) // the root, and the number of steps
/// };
/// let slope = |g: &dyn Fn(Array) -> Array, b: Array| b / g(Array::from(1.0f32));
/// let (root, steps) = custom_root_with_aux(|x: Array| &x * &x - 4.0, Array::from(1.0f32), newton, slope);
/// assert_eq!((root.item::<f32>(), steps.item::<i32>()), (2.0, 6));
/// ```
///
/// # Panics
/// As [`custom_root`].
#[track_caller]
pub fn custom_root_with_aux<T: Pytree, A: Pytree>(
    f: impl Fn(T) -> T,
    initial_guess: T,
    solve: impl Fn(&dyn Fn(T) -> T, T) -> (T, A),
    tangent_solve: impl Fn(&dyn Fn(T) -> T, T) -> T,
) -> (T, A) {
    const NAME: &str = "custom_root";
    let at = here();
    let (guess, def) = tree::flatten(&initial_guess);
    drop(initial_guess);
    let avals: Vec<Aval> = guess.iter().map(|x| x.aval().strong()).collect();
    let same = |what: &str, x: &T| {
        let (leaves, found) = tree::flatten(x);
        check(NAME, at, what, &def, &avals, &found, &leaves);
        leaves
    };
    let build = |leaves: Vec<Array>| tree::unflatten::<T>(&def, leaves);
    let function = |x: Vec<Array>| same("f", &f(build(x)));
    let f_closed = stage("f", &avals, at, function);
    let mut aux_def = None;
    let solve_closed = stage("solve", &avals, at, |guess| {
        let (x, aux) = solve(&f, build(guess));
        let (aux, found) = tree::flatten(&aux);
        aux_def = Some(found);
        [same("solve", &x), aux].concat()
    });
    // Takes the root and the right side.
    let both: Vec<Aval> = avals.iter().chain(&avals).cloned().collect();
    let tangent_closed = stage("tangent_solve", &both, at, |args| {
        let (x, y) = args.split_at(avals.len());
        let linear = linearize(function, x, &vec![true; x.len()], at);
        let slope = |t: T| {
            let given = pick(&tree::leaves(&t), &linear.in_tangents);
            let mut outs = eval_jaxpr(&linear.map.jaxpr, &linear.map.consts, &given).into_iter();
            let fill = |(nz, aval): (&bool, &Aval)| {
                if *nz { outs.next().expect("one each") } else { zeros_like(aval) }
            };
            build(linear.out_tangents.iter().zip(&avals).map(fill).collect())
        };
        same("tangent_solve", &tangent_solve(&slope, build(y.to_vec())))
    });
    let closed = [&f_closed, &solve_closed, &tangent_closed];
    let [f, solve, tangent_solve] = closed.map(|c| consts_to_invars(&c.jaxpr));
    let [nf, ns, nt] = closed.map(|c| c.consts.len());
    let root = Arc::new(Root { f, solve, tangent_solve, num_consts: [nf, ns, nt] });
    let strong = guess.iter().zip(&avals).map(|(x, aval)| crate::lax::convert_weakly(x, aval.dtype, false));
    let args: Vec<Array> = closed.iter().flat_map(|c| c.consts.iter().cloned()).chain(strong).collect();
    let outs = bind_at_line(root.call(&args), &args, at).into_vec();
    let (x, aux) = outs.split_at(avals.len());
    (build(x.to_vec()), tree::unflatten(&aux_def.expect("solve was traced"), aux.to_vec()))
}

/// The functions of [`custom_root`]; their captures are their leading parameters.
struct Root {
    f: Arc<Jaxpr>,
    solve: Arc<Jaxpr>,
    tangent_solve: Arc<Jaxpr>,
    num_consts: [usize; 3],
}

impl Root {
    /// The captures of `f`, of `solve` and of `tangent_solve`, then the initial guess.
    fn split<'a, T>(&self, args: &'a [T]) -> [&'a [T]; 4] {
        let [nf, ns, nt] = self.num_consts;
        let (f, rest) = args.split_at(nf);
        let (solve, rest) = rest.split_at(ns);
        let (tangent_solve, guess) = rest.split_at(nt);
        [f, solve, tangent_solve, guess]
    }

    /// The call that gives the root, of operands of these types.
    fn call(self: &Arc<Root>, args: &[Array]) -> Prim {
        let avals: Vec<Aval> = args.iter().map(|x| x.aval().clone()).collect();
        let body = stage("custom_root", &avals, here(), |args| {
            let [_, solve, _, guess] = self.split(&args);
            eval_jaxpr(&self.solve, &[], &[solve, guess].concat())
        });
        let root = self.clone();
        let rule: JvpRule = Arc::new(move |primals, tangents| root.jvp(primals, tangents));
        let callee = Callee::Jaxpr(body.jaxpr, 0);
        Prim::new(CustomJvpCall {
            name: "custom_root".into(),
            callee,
            jvp_name: "root_jvp".into(),
            rule,
            symbolic_zeros: false,
        })
    }

    /// From `f(c, x(c)) = 0` follows `∂x = −(∂f/∂x)⁻¹ ∂f/∂c`.
    fn jvp(
        self: &Arc<Root>,
        primals: &[Array],
        tangents: &[Option<Array>],
    ) -> (Vec<Array>, Vec<Option<Array>>) {
        let [f_consts, _, solve_consts, guess] = self.split(primals);
        let n = guess.len();
        let outs = bind_at_line(self.call(primals), primals, here()).into_vec();
        let moves: Vec<bool> = self.split(tangents)[0].iter().map(Option::is_some).collect();
        let mut out_tangents: Vec<Option<Array>> = vec![None; outs.len()];
        if !moves.contains(&true) {
            return (outs, out_tangents);
        }
        let nonzero: Vec<bool> = moves.iter().copied().chain(std::iter::repeat_n(false, n)).collect();
        let (jaxpr, _) = jvp_jaxpr(&KIT, &self.f, &nonzero, &vec![true; n], here());
        let moved = self.split(tangents)[0].iter().flatten();
        let args: Vec<Array> = f_consts.iter().chain(&outs[..n]).chain(moved).cloned().collect();
        let right = eval_jaxpr(&jaxpr, &[], &args).split_off(n);
        let args: Vec<Array> = solve_consts.iter().chain(&outs[..n]).cloned().chain(right).collect();
        let slopes = eval_jaxpr(&self.tangent_solve, &[], &args);
        out_tangents.iter_mut().zip(slopes).for_each(|(t, x)| *t = Some(neg(&x)));
        (outs, out_tangents)
    }
}

/// Refuses what a function gives if it has not the structure and types of what it takes.
fn check(
    operation: &'static str,
    at: Source,
    what: &str,
    def: &TreeDef,
    avals: &[Aval],
    found: &TreeDef,
    leaves: &[Array],
) {
    def.expect(found).map_err(|e| Error::operands(operation, format!("{what}: {e}")).at(at)).or_raise();
    let differs = leaves.iter().zip(avals).position(|(x, aval)| !x.aval().same_type(aval));
    if let Some(i) = differs {
        let place = tree::keystr(&def.paths()[i]);
        let message = format!(
            "{what} must keep types, but result{place} is {} instead of {}",
            leaves[i].aval(),
            avals[i]
        );
        Error::operands(operation, message).at(at).raise();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::boundary;
    use crate::{grad, jit, jvp, lax, numpy as jnp, vmap};

    /// `x` with `D x + x.sum() = b`, by iteration.
    fn solution(d: &Array, b: &Array) -> Array {
        let a = |x: Array| d * &x + x.sum();
        let iterate = |f: &dyn Fn(Array) -> Array, b: Array| {
            (0..60).fold(&b / d, |x, _| &x + (&b - f(x.clone())) * 0.15)
        };
        custom_linear_solve(a, b.clone(), iterate, None, true)
    }

    #[test]
    fn systems_have_the_derivative_of_the_equation_in_every_transformation() {
        let (d, b) = (Array::from([4.0f32, 5.0]), Array::from([1.0f32, 2.0]));
        let exact = |d: &Array, b: &Array| {
            let s = (b / d).sum() / ((1.0f64 / d).sum() + 1.0);
            (b - s) / d
        };
        let near =
            |a: &Array, b: &Array| assert!(jnp::allclose_with(a, b, 1e-4, 1e-5).item::<bool>(), "{a} {b}");
        near(&solution(&d, &b), &exact(&d, &b));
        let value = |d: &Array, b: &Array| (solution(d, b) * Array::from([1.0f32, -3.0])).sum();
        let exactly = |d: &Array, b: &Array| (exact(d, b) * Array::from([1.0f32, -3.0])).sum();
        near(&jit(grad(value))(&d, &b), &grad(exactly)(&d, &b));
        let in_b = |b: &Array| value(&Array::from([4.0f32, 5.0]), b);
        near(&grad(in_b)(&b), &grad(|b: &Array| exactly(&Array::from([4.0f32, 5.0]), b))(&b));
        let many = jnp::stack(&[d.clone(), &d + 1.0], 0);
        let one = jnp::stack(&[exact(&d, &b), exact(&(&d + 1.0), &b)], 0);
        near(&vmap(move |d: &Array| solution(d, &Array::from([1.0f32, 2.0])))(&many), &one);
        let (_, t) = jvp(|d: &Array| grad(value)(d, &Array::from([1.0f32, 2.0])), (d.clone(),), (d.clone(),));
        let (_, e) =
            jvp(|d: &Array| grad(exactly)(d, &Array::from([1.0f32, 2.0])), (d.clone(),), (d.clone(),));
        near(&t, &e);
    }

    #[test]
    fn what_cannot_be_transposed_says_so() {
        let f =
            |d: &Array| custom_linear_solve(|x: Array| d * x, Array::from(1.0f32), |_, b| b / d, None, false);
        let error = boundary(|| grad(f)(&Array::from(2.0f32))).unwrap_err().to_string();
        assert!(error.contains("custom_linear_solve: reverse mode needs `transpose_solve`"), "{error}");
        let g = |d: &Array| {
            custom_linear_solve(|x: Array| (d * x).astype(crate::DType::F16), d.clone(), |_, b| b, None, true)
        };
        let error = boundary(|| g(&Array::from(2.0f32))).unwrap_err().to_string();
        assert!(error.contains("matvec must keep types"), "{error}");
    }

    #[test]
    fn roots_have_derivatives_of_any_order() {
        // x³ = t, by Newton's method.
        let cbrt = |t: &Array| {
            let newton = |f: &dyn Fn(Array) -> Array, x: Array| {
                lax::stage(&(0..30).fold(x, |x, _| &x - f(x.clone()) / (&x * &x * 3.0)))
            };
            custom_root(
                |x: Array| &x * &x * &x - t,
                Array::from(1.0f32),
                newton,
                |g, y| y / g(Array::from(1.0f32)),
            )
        };
        let eight = Array::from(8.0f32);
        let near = |a: Array, b: f32| assert!((a.item::<f32>() - b).abs() < 1e-5, "{a} {b}");
        near(cbrt(&eight), 2.0);
        near(jit(grad(cbrt))(&eight), 1.0 / 12.0);
        near(grad(grad(cbrt))(&eight), -1.0 / 144.0);
        let both = vmap(grad(cbrt))(&Array::from([8.0f32, 27.0]));
        near(both.get(1), 1.0 / 27.0);
    }
}

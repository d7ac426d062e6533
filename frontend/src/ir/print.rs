//! Printing jaxprs in JAX's notation, line breaks included; only the blanks that JAX leaves at ends of lines are left out.
//!
//! A document of texts, breaks, groups and nests is laid out in 80 columns: a group whose flat form fits on the line is printed
//! flat, otherwise its breaks become newlines. Variables are named `a`, `b`, … in the order in which they are printed first.
//! A jaxpr that occurs more than once, or is long, is printed once in front under a name, as JAX does.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::jaxpr::{Atom, Eqn, Jaxpr, Var};
use super::primitive::{Param, Params};

const WIDTH: usize = 80;
/// A nested jaxpr with more equations than this is printed in front.
const LONG: usize = 10;

/// Prints one jaxpr and those nested in it.
pub(crate) struct Printer {
    names: FxHashMap<(*const Jaxpr, Var), String>,
    fresh: usize,
    shared: FxHashMap<*const Jaxpr, String>,
    taken: FxHashSet<String>,
}

impl Printer {
    /// The text of a jaxpr.
    pub(crate) fn print(jaxpr: &Jaxpr) -> String {
        let mut printer = Printer {
            names: FxHashMap::default(),
            fresh: 0,
            shared: FxHashMap::default(),
            taken: FxHashSet::default(),
        };
        let fronted = printer.find_shared(jaxpr);
        let mut docs = Vec::new();
        for (name, nested) in fronted {
            let body = printer.skeleton(nested);
            docs.push(concat([text("let "), text(name), text(" = "), body, text(" in"), brk(" ")]));
        }
        docs.push(printer.skeleton(jaxpr));
        layout(&Doc::Concat(docs))
    }

    /// Names the jaxprs to be printed in front, in order of first occurrence.
    fn find_shared<'a>(&mut self, root: &'a Jaxpr) -> Vec<(String, &'a Jaxpr)> {
        let mut counts: Vec<(&'a Jaxpr, usize)> = Vec::new();
        let mut names: FxHashMap<*const Jaxpr, String> = FxHashMap::default();
        let mut queue = std::collections::VecDeque::from([root]);
        while let Some(jaxpr) = queue.pop_front() {
            let long = !std::ptr::eq(jaxpr, root) && jaxpr.eqns.len() > LONG;
            let add = 1 + long as usize;
            match counts.iter_mut().find(|(j, _)| std::ptr::eq(*j, jaxpr)) {
                Some((_, n)) => *n += add,
                None => counts.push((jaxpr, add)),
            }
            for eqn in &jaxpr.eqns {
                let name = explicit_name(eqn);
                for nested in eqn.prim.jaxprs() {
                    let nested: &'a Jaxpr = nested;
                    if let Some(name) = &name {
                        names.entry(nested).or_insert_with(|| name.clone());
                    }
                    queue.push_back(nested);
                }
            }
        }
        let mut name_counts: FxHashMap<String, usize> = FxHashMap::default();
        let mut fronted = Vec::new();
        for (jaxpr, count) in counts {
            if count == 1 {
                continue;
            }
            let base = names.get(&(jaxpr as *const Jaxpr)).cloned().unwrap_or_else(|| "jaxpr".into());
            let seen = name_counts.entry(base.clone()).or_insert(0);
            let name = if *seen > 0 { format!("{base}{seen}") } else { base.clone() };
            *seen += 1;
            if name != base {
                *name_counts.entry(name.clone()).or_insert(0) += 1;
            }
            self.taken.insert(name.clone());
            self.shared.insert(jaxpr, name.clone());
            fronted.push((name, jaxpr));
        }
        fronted
    }

    fn jaxpr(&mut self, jaxpr: &Jaxpr) -> Doc {
        match self.shared.get(&(jaxpr as *const Jaxpr)) {
            Some(name) => text(name.clone()),
            None => self.skeleton(jaxpr),
        }
    }

    fn skeleton(&mut self, jaxpr: &Jaxpr) -> Doc {
        let mut used = vec![false; jaxpr.avals.len()];
        let inputs = jaxpr.eqns.iter().flat_map(|e| &e.inputs);
        inputs.chain(&jaxpr.outs).filter_map(Atom::as_var).for_each(|v| used[v.index()] = true);
        let consts = self.binders(jaxpr, &jaxpr.constvars);
        let invars = self.binders(jaxpr, &jaxpr.invars);
        let eqns: Vec<Doc> = jaxpr.eqns.iter().map(|e| self.eqn(jaxpr, e, &used)).collect();
        let outs = self.atoms(jaxpr, &jaxpr.outs, ",");
        let close = if jaxpr.outs.len() == 1 { ",)" } else { ")" };
        let body = nest(2, concat([brk(" "), join(brk("; "), eqns)]));
        let inner = concat([
            text("{ lambda "),
            consts,
            text("; "),
            invars,
            text(". let"),
            body,
            brk(" "),
            text("in ("),
            outs,
            text(close),
        ]);
        group(concat([nest(2, inner), text(" }")]))
    }

    fn eqn(&mut self, jaxpr: &Jaxpr, eqn: &Eqn, used: &[bool]) -> Doc {
        for v in eqn.outs.iter().filter(|v| !used[v.index()]) {
            self.names.insert((jaxpr, *v), "_".into());
        }
        let mut params = Params::default();
        eqn.prim.params(&mut params);
        if params.share_names {
            for (_, param) in &params.entries {
                if let Param::Jaxpr(nested) = param
                    && !self.shared.contains_key(&Arc::as_ptr(nested))
                {
                    let inner: Vec<Atom> = nested.invars.iter().map(|v| Atom::Var(*v)).collect();
                    self.suggest(nested, &inner, jaxpr, &eqn.inputs);
                    let outer: Vec<Atom> = eqn.outs.iter().map(|v| Atom::Var(*v)).collect();
                    self.suggest(nested, &nested.outs, jaxpr, &outer);
                }
            }
        }
        if !params.keep_order {
            params.entries.sort_by_key(|(name, _)| *name);
        }
        let lhs = self.binders(jaxpr, &eqn.outs);
        let params = self.params(&params);
        let rhs = self.atoms(jaxpr, &eqn.inputs, "");
        let application = concat([text(eqn.prim.name()), params, text(" "), rhs]);
        if eqn.outs.is_empty() { application } else { concat([lhs, text(" = "), application]) }
    }

    /// Gives the variables of `inner` the names that the corresponding atoms of `outer` have.
    fn suggest(&mut self, inner: &Jaxpr, inner_atoms: &[Atom], outer: &Jaxpr, outer_atoms: &[Atom]) {
        let mut taken = FxHashSet::default();
        for (inner_atom, outer_atom) in inner_atoms.iter().zip(outer_atoms) {
            if let (Some(i), Some(o)) = (inner_atom.as_var(), outer_atom.as_var())
                && !self.names.contains_key(&(inner as *const Jaxpr, i))
                && taken.insert(o)
            {
                let name = self.name(outer, o);
                self.names.insert((inner, i), name);
            }
        }
    }

    fn params(&mut self, params: &Params<'_>) -> Doc {
        if params.entries.is_empty() {
            return text("");
        }
        let entries: Vec<Doc> = params
            .entries
            .iter()
            .map(|(name, value)| {
                let value = match value {
                    Param::Text(t) => text(t.clone()),
                    Param::Jaxpr(j) => self.jaxpr(j),
                    Param::Jaxprs(js) => {
                        let parts: Vec<Doc> = js.iter().map(|j| self.jaxpr(j)).collect();
                        let inner = nest(2, concat([text("("), brk(""), join(brk(" "), parts)]));
                        group(concat([inner, brk(""), text(")")]))
                    }
                };
                concat([text(*name), text("="), value])
            })
            .collect();
        let inner = nest(2, concat([text("["), brk(""), join(brk(" "), entries)]));
        group(concat([inner, brk(""), text("]")]))
    }

    fn binders(&mut self, jaxpr: &Jaxpr, vars: &[Var]) -> Doc {
        let parts: Vec<Doc> =
            vars.iter().map(|v| text(format!("{}:{}", self.name(jaxpr, *v), jaxpr.aval(*v)))).collect();
        nest(2, group(join(group(brk(" ")), parts)))
    }

    fn atoms(&mut self, jaxpr: &Jaxpr, atoms: &[Atom], separator: &'static str) -> Doc {
        let parts: Vec<Doc> = atoms
            .iter()
            .map(|atom| match atom {
                Atom::Var(v) => text(self.name(jaxpr, *v)),
                Atom::Literal(l) => text(l.to_string()),
            })
            .collect();
        nest(2, group(join(concat([text(separator), group(brk(" "))]), parts)))
    }

    fn name(&mut self, jaxpr: &Jaxpr, var: Var) -> String {
        if let Some(name) = self.names.get(&(jaxpr as *const Jaxpr, var)) {
            return name.clone();
        }
        let name = loop {
            let name = alphabetic(self.fresh);
            self.fresh += 1;
            if !self.taken.contains(&name) {
                break name;
            }
        };
        self.names.insert((jaxpr, var), name.clone());
        name
    }
}

/// The `name` parameter of an equation, without angle brackets.
fn explicit_name(eqn: &Eqn) -> Option<String> {
    let mut params = Params::default();
    eqn.prim.params(&mut params);
    params.entries.iter().find_map(|(key, value)| match value {
        Param::Text(t) if *key == "name" => Some(t.trim_matches(['<', '>']).to_owned()),
        _ => None,
    })
}

/// `a`, …, `z`, `ba`, `bb`, …: the number in base 26.
fn alphabetic(mut n: usize) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(b'a' + (n % 26) as u8);
        n /= 26;
        if n == 0 {
            break;
        }
    }
    letters.iter().rev().map(|&c| c as char).collect()
}

/// A document to lay out.
enum Doc {
    Text(String),
    /// A newline, or this text in a flat group.
    Break(&'static str),
    Concat(Vec<Doc>),
    Group(Box<Doc>),
    Nest(usize, Box<Doc>),
}

fn text(s: impl Into<String>) -> Doc {
    Doc::Text(s.into())
}

fn brk(flat: &'static str) -> Doc {
    Doc::Break(flat)
}

fn concat<const N: usize>(docs: [Doc; N]) -> Doc {
    Doc::Concat(docs.into())
}

fn group(doc: Doc) -> Doc {
    Doc::Group(Box::new(doc))
}

fn nest(indent: usize, doc: Doc) -> Doc {
    Doc::Nest(indent, Box::new(doc))
}

/// The documents with (copies of) the separator between them.
fn join(separator: Doc, docs: Vec<Doc>) -> Doc {
    let mut out = Vec::with_capacity(2 * docs.len());
    for (i, doc) in docs.into_iter().enumerate() {
        if i > 0 {
            out.push(copy(&separator));
        }
        out.push(doc);
    }
    Doc::Concat(out)
}

fn copy(doc: &Doc) -> Doc {
    match doc {
        Doc::Text(s) => Doc::Text(s.clone()),
        Doc::Break(flat) => Doc::Break(flat),
        Doc::Concat(docs) => Doc::Concat(docs.iter().map(copy).collect()),
        Doc::Group(doc) => group(copy(doc)),
        Doc::Nest(n, doc) => nest(*n, copy(doc)),
    }
}

/// The width of the document laid flat.
fn flat_width(doc: &Doc) -> usize {
    match doc {
        Doc::Text(s) => s.chars().count(),
        Doc::Break(flat) => flat.len(),
        Doc::Concat(docs) => docs.iter().map(flat_width).sum(),
        Doc::Group(doc) | Doc::Nest(_, doc) => flat_width(doc),
    }
}

fn layout(doc: &Doc) -> String {
    let mut out = String::new();
    let mut column = 0;
    let mut stack = vec![(0, false, doc)];
    while let Some((indent, flat, doc)) = stack.pop() {
        match doc {
            Doc::Text(s) => {
                out.push_str(s);
                column += s.chars().count();
            }
            Doc::Break(flat_text) if flat => {
                out.push_str(flat_text);
                column += flat_text.len();
            }
            Doc::Break(_) => {
                out.truncate(out.trim_end_matches(' ').len());
                out.push('\n');
                out.extend(std::iter::repeat_n(' ', indent));
                column = indent;
            }
            Doc::Concat(docs) => stack.extend(docs.iter().rev().map(|d| (indent, flat, d))),
            Doc::Group(doc) => {
                let flat = flat || column + flat_width(doc) <= WIDTH;
                stack.push((indent, flat, doc));
            }
            Doc::Nest(n, doc) => stack.push((indent + n, flat, doc)),
        }
    }
    out
}

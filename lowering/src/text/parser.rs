//! Reading modules, functions, blocks, and operations in their generic form.

use rustc_hash::FxHashMap;
use smallvec::{SmallVec, smallvec};

use super::attributes::{Reader, Types};
use super::pretty;
use crate::attribute::{Attribute, Attributes};
use crate::module::{Block, Func, Location, Module, Operation, Value, Values};
use crate::{Error, Op, Result, Type};

/// Reads a module from the text of one, or of its functions alone.
pub(super) fn parse_module(text: &str) -> Result<Module> {
    let mut parser = Parser { r: Reader::new(text), scope: Scope::default() };
    parser.module()
}

/// Reads text into a module. One function is read at a time; `scope` is its.
#[derive(Debug)]
pub(super) struct Parser<'t> {
    pub(super) r: Reader<'t>,
    pub(super) scope: Scope<'t>,
}

/// The values of the function being read, and the names that are visible.
#[derive(Debug, Default)]
pub(super) struct Scope<'t> {
    values: Vec<Type>,
    /// The first value of each name, and how many it stands for.
    names: FxHashMap<&'t str, (u32, u32)>,
    /// Visible names in the order of definition, so that those of a region can be forgotten at its end.
    order: Vec<&'t str>,
}

/// The names that an operation gives its results: `%0:2, %1`, and where in the text.
type ResultNames<'t> = SmallVec<[(&'t str, u32, usize); 2]>;

impl<'t> Parser<'t> {
    // Modules and functions.

    fn module(&mut self) -> Result<Module> {
        let mut module = Module::default();
        self.skip_aliases();
        if self.r.c.eat_word("module") || self.r.c.eat_word("builtin.module") {
            if self.r.c.peek() == b'@' {
                module.name = Some(self.r.c.symbol()?);
            }
            if self.r.c.eat_word("attributes") {
                module.attributes = self.r.dict("{", "}")?;
            }
            self.r.c.expect("{")?;
            while !self.r.c.eat("}") {
                self.top_level(&mut module)?;
            }
        } else if self.r.c.eat("\"builtin.module\"") {
            self.generic_module(&mut module)?;
        } else {
            if self.r.c.at_end() {
                return self.r.c.error("expected a module, found the end of the text");
            }
            while !self.r.c.at_end() {
                self.top_level(&mut module)?;
                self.skip_aliases();
            }
            return Ok(module);
        }
        self.r.optional_location()?;
        self.skip_aliases();
        if !self.r.c.at_end() {
            let found = self.r.c.found();
            return self.r.c.error(format!("expected the end of the text after the module, found {found}"));
        }
        Ok(module)
    }

    /// Definitions of aliases are known already.
    fn skip_aliases(&mut self) {
        while matches!(self.r.c.peek(), b'#' | b'!') {
            self.r.c.skip_line();
        }
    }

    fn top_level(&mut self, module: &mut Module) -> Result<()> {
        let start = self.r.c.pos();
        if self.r.c.eat_word("func.func") {
            let func = self.func()?;
            return self.add_func(module, func, start);
        }
        if self.r.c.eat("\"func.func\"") {
            let func = self.generic_func()?;
            return self.add_func(module, func, start);
        }
        let Some(word) = self.r.c.word() else {
            let found = self.r.c.found();
            return self.r.c.error(format!("expected a function, found {found}"));
        };
        if matches!(word, "module" | "builtin.module") || !word.contains('.') {
            self.r.c.seek(start);
            return self.r.c.unsupported(format!("'{word}' within a module is not supported"));
        }
        // Another dialect's: kept word for word, up to its end of line or location.
        while !matches!(self.r.c.rest().as_bytes().first(), None | Some(b'\n'))
            && !self.r.c.rest().starts_with(" loc(")
        {
            let before = self.r.c.pos();
            self.r.c.balanced()?;
            if self.r.c.pos() == before {
                return self.r.c.error("unexpected closing bracket or comma");
            }
            if self.r.c.rest().starts_with('\n') {
                break;
            }
        }
        module.others.push(self.r.c.since(start).to_string());
        self.r.optional_location()?;
        Ok(())
    }

    fn add_func(&mut self, module: &mut Module, func: Func, start: usize) -> Result<()> {
        if module.func(&func.name).is_some() {
            let error = Error::parse(format!("the function @{} is defined twice", func.name));
            return Err(self.r.c.error_at(start, error));
        }
        module.funcs.push(func);
        Ok(())
    }

    /// What follows `func.func`.
    fn func(&mut self) -> Result<Func> {
        self.scope = Scope::default();
        let private = self.r.c.eat_word("private");
        if !private && !self.r.c.eat_word("public") && self.r.c.eat_word("nested") {
            return self.r.c.unsupported("nested visibility is not supported");
        }
        let name = self.r.c.symbol()?;
        let mut body = Block::default();
        let mut arg_attributes = Vec::new();
        self.r.c.expect("(")?;
        while !self.r.c.eat(")") {
            if !body.args.is_empty() {
                self.r.c.expect(",")?;
            }
            if self.r.c.peek() != b'%' {
                return self.r.c.unsupported("functions without a body are not supported");
            }
            body.args.push(self.block_arg()?);
            arg_attributes.push(self.r.optional_dict()?);
            self.r.optional_location()?;
        }
        let (mut result_types, mut result_attributes) = (Vec::new(), Vec::new());
        if self.r.c.eat("->") {
            if self.r.c.eat("(") {
                while !self.r.c.eat(")") {
                    if !result_types.is_empty() {
                        self.r.c.expect(",")?;
                    }
                    result_types.push(self.r.ty()?);
                    result_attributes.push(self.r.optional_dict()?);
                }
            } else {
                result_types.push(self.r.ty()?);
                result_attributes.push(Attributes::new());
            }
        }
        let attributes = match self.r.c.eat_word("attributes") {
            true => self.r.dict("{", "}")?,
            false => Attributes::new(),
        };
        if self.r.c.peek() != b'{' {
            return self.r.c.unsupported(format!("the function @{name} has no body, which is not supported"));
        }
        self.r.c.expect("{")?;
        self.body(&mut body)?;
        let location = self.r.optional_location()?;
        Ok(Func {
            name,
            public: !private,
            values: std::mem::take(&mut self.scope.values),
            body,
            result_types,
            arg_attributes,
            result_attributes,
            attributes,
            location,
        })
    }

    /// What follows `"builtin.module"`.
    fn generic_module(&mut self, module: &mut Module) -> Result<()> {
        self.r.c.expect("(")?;
        self.r.c.expect(")")?;
        let mut properties = match self.r.c.starts("<{") {
            true => self.properties()?,
            false => Attributes::new(),
        };
        self.r.c.expect("(")?;
        self.r.c.expect("{")?;
        if self.r.c.peek() == b'^' {
            self.r.c.balanced()?;
            self.r.c.expect(":")?;
        }
        while !self.r.c.eat("}") {
            self.top_level(module)?;
        }
        self.r.c.expect(")")?;
        module.attributes = self.r.optional_dict()?;
        for attributes in [&mut properties, &mut module.attributes] {
            if let Some(Attribute::String(name)) = attributes.take("sym_name") {
                module.name = Some(name);
            }
        }
        self.r.c.expect(":")?;
        self.r.functional_type().map(drop)
    }

    /// What follows `"func.func"`.
    fn generic_func(&mut self) -> Result<Func> {
        self.scope = Scope::default();
        let start = self.r.c.pos();
        self.r.c.expect("(")?;
        self.r.c.expect(")")?;
        let mut attributes = match self.r.c.starts("<{") {
            true => self.properties()?,
            false => Attributes::new(),
        };
        self.r.c.expect("(")?;
        let body = self.region(None)?;
        self.r.c.expect(")")?;
        attributes.0.extend(self.r.optional_dict()?.0);
        self.r.c.expect(":")?;
        self.r.functional_type()?;
        let location = self.r.optional_location()?;
        let result_types: Vec<Type> = body.results.iter().map(|&v| self.ty(v).clone()).collect();
        let mut each = |key: &str, count: usize| match attributes.take(key) {
            Some(Attribute::Array(values)) if values.len() == count => values
                .into_iter()
                .map(|value| match value {
                    Attribute::Dict(fields) => fields,
                    _ => Attributes::new(),
                })
                .collect(),
            _ => vec![Attributes::new(); count],
        };
        let arg_attributes = each("arg_attrs", body.args.len());
        let result_attributes = each("res_attrs", result_types.len());
        let name =
            attributes.take_string("func.func", "sym_name").map_err(|e| self.r.c.error_at(start, e))?;
        let private = attributes.take("sym_visibility") == Some(Attribute::String("private".into()));
        attributes.take("function_type");
        Ok(Func {
            name,
            public: !private,
            values: std::mem::take(&mut self.scope.values),
            body,
            result_types,
            arg_attributes,
            result_attributes,
            attributes,
            location,
        })
    }

    // Blocks.

    /// `%name: type`.
    pub(super) fn block_arg(&mut self) -> Result<Value> {
        let pos = self.r.c.pos();
        let name = self.name()?;
        self.r.c.expect(":")?;
        let ty = self.r.ty()?;
        let value = self.new_value(ty);
        self.define(name, value.0, 1, pos)?;
        Ok(value)
    }

    /// `{ ^bb0(…): … }`. Arguments that the enclosing operation has written are given; a block then has no label.
    pub(super) fn region(&mut self, args: Option<Values>) -> Result<Block> {
        let mark = self.scope.order.len();
        let has_args = args.is_some();
        let mut block = Block { args: args.unwrap_or_default(), ..Block::default() };
        self.r.c.expect("{")?;
        if !has_args && self.r.c.eat("^") {
            self.r.c.suffix();
            if self.r.c.eat("(") {
                while !self.r.c.eat(")") {
                    if !block.args.is_empty() {
                        self.r.c.expect(",")?;
                    }
                    block.args.push(self.block_arg()?);
                    self.r.optional_location()?;
                }
            }
            self.r.c.expect(":")?;
        }
        self.body(&mut block)?;
        self.forget(mark);
        Ok(block)
    }

    /// Names visible now; what is defined later can be forgotten with [`Self::forget`].
    pub(super) fn mark(&self) -> usize {
        self.scope.order.len()
    }

    pub(super) fn forget(&mut self, mark: usize) {
        for name in self.scope.order.drain(mark..) {
            self.scope.names.remove(name);
        }
    }

    /// Operations up to the terminator, and `}`.
    pub(super) fn body(&mut self, block: &mut Block) -> Result<()> {
        if self.r.depth == super::attributes::MAX_DEPTH {
            return self.r.c.unsupported("regions nest too deep");
        }
        self.r.depth += 1;
        loop {
            match self.r.c.peek() {
                b'%' => {
                    let operation = self.operation()?;
                    block.ops.push(operation);
                }
                b'}' => return self.r.c.error("the block has no terminator, such as stablehlo.return"),
                b'^' => return self.r.c.unsupported("regions of several blocks are not supported"),
                _ if self.terminator(block)? => break,
                _ => {
                    let operation = self.operation()?;
                    block.ops.push(operation);
                }
            }
        }
        self.r.depth -= 1;
        if self.r.c.eat("}") {
            return Ok(());
        }
        let found = self.r.c.found();
        self.r.c.error(format!("expected '}}' after the block's terminator, found {found}"))
    }

    fn terminator(&mut self, block: &mut Block) -> Result<bool> {
        const NAMES: [&str; 4] = ["return", "stablehlo.return", "func.return", "mhlo.return"];
        let back = self.r.c;
        if self.r.c.eat("\"") {
            let name = self.r.c.word().unwrap_or("");
            if !NAMES.contains(&name) || !self.r.c.eat("\"") {
                self.r.c = back;
                return Ok(false);
            }
            self.r.c.expect("(")?;
            let pos = self.r.c.pos();
            block.results = self.operands()?;
            self.r.c.expect(")")?;
            self.r.optional_dict()?;
            self.r.c.expect(":")?;
            let (inputs, _) = self.r.functional_type()?;
            self.check_types(&block.results, &inputs, pos)?;
        } else {
            if !self.r.c.word().is_some_and(|word| NAMES.contains(&word)) {
                self.r.c = back;
                return Ok(false);
            }
            let pos = self.r.c.pos();
            block.results = self.operands()?;
            self.r.optional_dict()?;
            if !block.results.is_empty() {
                self.r.c.expect(":")?;
                let types = self.types()?;
                self.check_types(&block.results, &types, pos)?;
            }
        }
        self.r.optional_location()?;
        Ok(true)
    }

    // Values.

    /// `%name`, without what says which of several.
    pub(super) fn name(&mut self) -> Result<&'t str> {
        self.r.c.expect("%")?;
        match self.r.c.suffix() {
            "" => self.r.c.error("expected a value's name after '%'"),
            name => Ok(name),
        }
    }

    pub(super) fn ty(&self, value: Value) -> &Type {
        &self.scope.values[value.index()]
    }

    pub(super) fn new_value(&mut self, ty: Type) -> Value {
        self.scope.values.push(ty);
        Value((self.scope.values.len() - 1) as u32)
    }

    pub(super) fn define(&mut self, name: &'t str, first: u32, count: u32, pos: usize) -> Result<()> {
        if self.scope.names.insert(name, (first, count)).is_some() {
            return Err(self.r.c.error_at(pos, Error::parse(format!("%{name} is defined twice"))));
        }
        self.scope.order.push(name);
        Ok(())
    }

    /// `%name` or `%name#1`.
    pub(super) fn operand(&mut self) -> Result<Value> {
        let pos = self.r.c.pos();
        let name = self.name()?;
        let Some(&(first, count)) = self.scope.names.get(name) else {
            let error = Error::parse(format!("%{name} is used before it is defined"));
            return Err(self.r.c.error_at(pos, error));
        };
        let index = match self.r.c.rest().starts_with('#') {
            true => {
                self.r.c.expect("#")?;
                self.r.c.digits()?
            }
            false => 0,
        };
        match u32::try_from(index) {
            Ok(index) if index < count => Ok(Value(first + index)),
            _ => {
                let error =
                    Error::parse(format!("%{name} has {count} results, there is none numbered {index}"));
                Err(self.r.c.error_at(pos, error))
            }
        }
    }

    /// Operands separated by commas; a comma before something else is left.
    pub(super) fn operands(&mut self) -> Result<Values> {
        let mut operands = Values::new();
        if self.r.c.peek() != b'%' {
            return Ok(operands);
        }
        loop {
            operands.push(self.operand()?);
            let back = self.r.c;
            if !self.r.c.eat(",") {
                return Ok(operands);
            }
            if self.r.c.peek() != b'%' {
                self.r.c = back;
                return Ok(operands);
            }
        }
    }

    /// Types separated by commas.
    pub(super) fn types(&mut self) -> Result<Types> {
        let mut types: Types = smallvec![self.r.ty()?];
        while self.r.c.eat(",") {
            types.push(self.r.ty()?);
        }
        Ok(types)
    }

    /// That the types written for operands are theirs.
    pub(super) fn check_types(&self, operands: &[Value], types: &[Type], pos: usize) -> Result<()> {
        let error = if operands.len() != types.len() {
            format!("there are {} operands, but {} types are written for them", operands.len(), types.len())
        } else {
            match operands.iter().zip(types).position(|(&v, ty)| self.ty(v) != ty) {
                None => return Ok(()),
                Some(i) => {
                    format!(
                        "operand {i} is of type {}, but {} is written for it",
                        self.ty(operands[i]),
                        types[i]
                    )
                }
            }
        };
        Err(self.r.c.error_at(pos, Error::parse(error)))
    }

    // Operations.

    fn operation(&mut self) -> Result<Operation> {
        let mut names = ResultNames::new();
        let start = self.r.c.pos();
        if self.r.c.peek() == b'%' {
            loop {
                let pos = self.r.c.pos();
                let name = self.name()?;
                let count = match self.r.c.eat(":") {
                    true => {
                        self.r.c.peek();
                        u32::try_from(self.r.c.digits()?).unwrap_or(u32::MAX)
                    }
                    false => 1,
                };
                names.push((name, count, pos));
                if !self.r.c.eat(",") {
                    break;
                }
            }
            self.r.c.expect("=")?;
        }
        let mut operation = match self.r.c.peek() {
            b'"' => self.generic()?,
            _ => pretty::parse(self)?,
        };
        operation.location = self.r.optional_location()?;
        let declared: u64 = names.iter().map(|n| u64::from(n.1)).sum();
        if declared != operation.results.len() as u64 && !names.is_empty() {
            let (name, results) = (operation.op.name(), operation.results.len());
            let error = Error::parse(format!("{declared} results are named, but {name} has {results}"));
            return Err(self.r.c.error_at(start, error));
        }
        let mut first = operation.results.first().map_or(0, |v| v.0);
        for (name, count, pos) in names {
            self.define(name, first, count, pos)?;
            first += count;
        }
        Ok(operation)
    }

    /// `<{…}>`.
    fn properties(&mut self) -> Result<Attributes> {
        self.r.c.expect("<")?;
        let properties = self.r.dict("{", "}")?;
        self.r.c.expect(">")?;
        Ok(properties)
    }

    /// `"name"(operands) <{properties}> ({regions}) {attributes} : type`.
    fn generic(&mut self) -> Result<Operation> {
        let start = self.r.c.pos();
        let name = self.r.c.raw_string()?;
        self.r.c.expect("(")?;
        let pos = self.r.c.pos();
        let operands = self.operands()?;
        self.r.c.expect(")")?;
        if self.r.c.peek() == b'[' {
            return self.r.c.unsupported("operations with successors are not supported");
        }
        let mut attributes = match self.r.c.starts("<{") {
            true => self.properties()?,
            false => Attributes::new(),
        };
        let mut regions = Vec::new();
        if self.r.c.eat("(") {
            loop {
                regions.push(self.region(None)?);
                if !self.r.c.eat(",") {
                    break;
                }
            }
            self.r.c.expect(")")?;
        }
        attributes.0.extend(self.r.optional_dict()?.0);
        self.r.c.expect(":")?;
        let (inputs, outputs) = self.r.functional_type()?;
        self.check_types(&operands, &inputs, pos)?;
        let op = self.op(name, &mut attributes, start)?;
        Ok(self.finish(op, operands, regions, outputs, attributes))
    }

    /// The operation of that name with attributes; those it does not know are left.
    pub(super) fn op(&mut self, name: &str, attributes: &mut Attributes, start: usize) -> Result<Op> {
        match Op::from_attributes(name, attributes) {
            Ok(Some(op)) => Ok(op),
            Ok(None) => Err(self.r.c.error_at(start, unknown(name))),
            Err(error) => Err(self.r.c.error_at(start, error)),
        }
    }

    /// The operation, with new values for its results.
    pub(super) fn finish(
        &mut self,
        op: Op,
        operands: Values,
        regions: Vec<Block>,
        types: impl IntoIterator<Item = Type>,
        extra: Attributes,
    ) -> Operation {
        let results = types.into_iter().map(|ty| self.new_value(ty)).collect();
        Operation { op, operands, results, regions, extra, location: Location::Unknown }
    }
}

/// The error for a name that no operation has.
pub(super) fn unknown(name: &str) -> Error {
    Error::unsupported(match name.strip_prefix("stablehlo.uniform_") {
        Some(_) => format!("{name}: quantized types are not supported yet"),
        None => format!("the operation {name} is not supported"),
    })
}

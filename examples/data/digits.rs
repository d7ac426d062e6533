//! The handwritten digits, for the examples that learn from them.

use std::num::ParseIntError;

use jacinth::Array;

/// Images of 8 × 8 pixels and the digits that they show; where they are from: `README.md` beside this file.
pub(crate) struct Digits {
    pixels: Vec<f32>,
    labels: Vec<i32>,
}

impl Digits {
    /// The width and height of an image.
    pub(crate) const SIDE: usize = 8;
    /// The number of pixels.
    pub(crate) const PIXELS: usize = Self::SIDE * Self::SIDE;
    /// The number of digits that there are to tell apart.
    pub(crate) const CLASSES: usize = 10;

    /// Reads them; pixels go from 0 to 1.
    pub(crate) fn read() -> Result<Digits, ParseIntError> {
        let (mut pixels, mut labels) = (Vec::new(), Vec::new());
        for line in include_str!("digits.csv").lines() {
            let numbers = line.split(',').map(str::parse).collect::<Result<Vec<i32>, _>>()?;
            pixels.extend(numbers[..Self::PIXELS].iter().map(|&p| p as f32 / 16.0));
            labels.push(numbers[Self::PIXELS]);
        }
        Ok(Digits { pixels, labels })
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.labels.len()
    }

    /// Those at these places: `f32[n, 64]` and `i32[n]`.
    pub(crate) fn batch(&self, places: &[usize]) -> (Array, Array) {
        let image = |&i: &usize| &self.pixels[Self::PIXELS * i..Self::PIXELS * (i + 1)];
        let pixels: Vec<f32> = places.iter().flat_map(image).copied().collect();
        let labels: Vec<i32> = places.iter().map(|&i| self.labels[i]).collect();
        (Array::from_slice(&pixels, [places.len(), Self::PIXELS]), Array::from_slice(&labels, places.len()))
    }
}

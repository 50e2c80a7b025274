//! Test-time augmentation: the views of a picture whose outputs are averaged (`evaluate.flip_average`, `evaluate.ten_crop`).

use serde::{Deserialize, Serialize};

use super::{Crop, Pipeline};
use crate::options::Preprocess;

/// The views of a picture that the network is shown. What a model says of the picture is the mean of its outputs over them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Views {
    /// The picture.
    #[default]
    Single,
    /// The picture and its mirror image.
    Mirrored,
    /// Its corners and its middle, and the mirror images of these (torchvision's `TenCrop`).
    TenCrop,
}

impl Views {
    /// Whether there is more than one.
    pub fn are_several(self) -> bool {
        self.count() > 1
    }

    /// Whether each square is also seen mirrored.
    pub fn are_mirrored(self) -> bool {
        self != Self::Single
    }

    /// The squares that are seen, the one in the middle last.
    pub fn crops(self) -> &'static [Crop] {
        match self {
            Self::Single | Self::Mirrored => &[Crop::Middle],
            Self::TenCrop => &Crop::FIVE,
        }
    }

    /// How many there are.
    pub fn count(self) -> usize {
        self.crops().len() * if self.are_mirrored() { 2 } else { 1 }
    }

    /// Pixels per side of the picture that they are taken from.
    pub fn side(self, options: &Preprocess) -> usize {
        match self {
            Self::Single | Self::Mirrored => options.size,
            Self::TenCrop => options.frame(),
        }
    }

    /// What is averaged over, in words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Single => "one view of the picture",
            Self::Mirrored => "the mean over the picture and its mirror image",
            Self::TenCrop => {
                "the mean over ten squares of the picture: its corners, its middle, and their mirror images"
            }
        }
    }

    /// The squares of a picture of [`Pipeline::for_views`]: `[channels, size, size]` each, not mirrored, the one in the middle
    /// last. `pipeline` is the network's.
    pub fn squares(self, pipeline: &Pipeline, planes: Vec<f32>) -> Vec<Vec<f32>> {
        match self {
            Self::Single | Self::Mirrored => vec![planes],
            Self::TenCrop => self.crops().iter().map(|&crop| pipeline.cut(planes.clone(), crop)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Resize;
    use crate::preprocess::Picture;

    #[test]
    fn squares_are_those_that_scoring_sees() {
        let mut options = Preprocess::new(2, Resize::Nearest, Default::default(), Default::default());
        options.crop_from = Some(5);
        let pipeline = Pipeline::new(&options).unwrap();
        let pixels: Vec<u8> = (0..25).collect();
        let picture = Picture::new(&pixels, 5, 5, 1).unwrap();
        for (views, side, count) in [(Views::Single, 2, 1), (Views::Mirrored, 2, 2), (Views::TenCrop, 5, 10)] {
            let source = pipeline.for_views(views);
            assert_eq!((source.shape(), views.count()), ([1, side, side], count), "{views:?}");
            let squares = views.squares(&pipeline, source.resize_colour(&picture));
            let scored = views.crops().iter().map(|&crop| pipeline.clone().with_crop(crop).resize_colour(&picture));
            assert_eq!(squares, scored.collect::<Vec<_>>(), "{views:?}");
            assert_eq!(squares.last(), Some(&pipeline.resize_colour(&picture)), "{views:?}");
        }
    }
}

//! Facial action units (Ekman and Friesen's FACS, 1978; revised 2002) and the expressions made of them (EMFACS).

/// The action units that the face model knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Au {
    /// 1, inner brow raiser.
    InnerBrow,
    /// 2, outer brow raiser.
    OuterBrow,
    /// 4, brow lowerer.
    BrowLower,
    /// 5, upper lid raiser.
    UpperLid,
    /// 6, cheek raiser.
    Cheek,
    /// 7, lid tightener.
    LidTight,
    /// 9, nose wrinkler.
    NoseWrinkle,
    /// 10, upper lip raiser.
    UpperLip,
    /// 12, lip corner puller.
    CornerPull,
    /// 14, dimpler.
    Dimple,
    /// 15, lip corner depressor.
    CornerDown,
    /// 16, lower lip depressor.
    LowerLip,
    /// 17, chin raiser.
    Chin,
    /// 20, lip stretcher.
    LipStretch,
    /// 23, lip tightener.
    LipTight,
    /// 25, lips part.
    LipsPart,
    /// 26, jaw drop.
    JawDrop,
    /// 43, eyes closed.
    EyesClosed,
}

impl Au {
    /// All, in the order of FACS numbers.
    pub const ALL: [Au; 18] = [
        Au::InnerBrow,
        Au::OuterBrow,
        Au::BrowLower,
        Au::UpperLid,
        Au::Cheek,
        Au::LidTight,
        Au::NoseWrinkle,
        Au::UpperLip,
        Au::CornerPull,
        Au::Dimple,
        Au::CornerDown,
        Au::LowerLip,
        Au::Chin,
        Au::LipStretch,
        Au::LipTight,
        Au::LipsPart,
        Au::JawDrop,
        Au::EyesClosed,
    ];

    /// The number in FACS.
    pub fn number(self) -> u8 {
        [1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 16, 17, 20, 23, 25, 26, 43][self as usize]
    }
}

/// The intensity of each action unit on each side of the picture, 0 (none) to 1 (FACS' E, the most).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ActionUnits {
    /// `[unit][side]`: side 0 is left in the picture (the person's right).
    values: [[f32; 2]; Au::ALL.len()],
}

impl ActionUnits {
    /// The intensity on one side: 0 left in the picture, 1 right.
    pub fn side(&self, unit: Au, side: usize) -> f32 {
        self.values[unit as usize][side.min(1)]
    }

    /// The mean intensity of both sides.
    pub fn both(&self, unit: Au) -> f32 {
        let [left, right] = self.values[unit as usize];
        (left + right) / 2.0
    }

    /// Sets one side; held in 0..1.
    pub fn set_side(&mut self, unit: Au, side: usize, intensity: f32) {
        self.values[unit as usize][side.min(1)] = intensity.clamp(0.0, 1.0);
    }

    /// Sets both sides; held in 0..1.
    pub fn set(&mut self, unit: Au, intensity: f32) {
        (0..2).for_each(|side| self.set_side(unit, side, intensity));
    }

    /// These units at a fraction of their intensity.
    pub fn scaled(&self, factor: f32) -> Self {
        Self { values: self.values.map(|sides| sides.map(|v| (v * factor).clamp(0.0, 1.0))) }
    }

    /// The stronger of two, unit by unit: how blends of expressions look.
    pub fn stronger(&self, other: &Self) -> Self {
        let mut out = *self;
        for (sides, others) in out.values.iter_mut().zip(&other.values) {
            sides.iter_mut().zip(others).for_each(|(v, o)| *v = v.max(*o));
        }
        out
    }
}

/// The eight expressions of FER+, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Expression {
    /// No action unit.
    Neutral,
    /// 6 + 12 (25).
    Happiness,
    /// 1 + 2 + 5 + 26.
    Surprise,
    /// 1 + 4 + 15 (17).
    Sadness,
    /// 4 + 5 + 7 + 23.
    Anger,
    /// 9 + 10 + 15 + 16 (4, 7, 25).
    Disgust,
    /// 1 + 2 + 4 + 5 + 7 + 20 + 26.
    Fear,
    /// 12 + 14 on one side.
    Contempt,
}

impl Expression {
    /// All, in FER+'s order.
    pub const ALL: [Expression; 8] = [
        Expression::Neutral,
        Expression::Happiness,
        Expression::Surprise,
        Expression::Sadness,
        Expression::Anger,
        Expression::Disgust,
        Expression::Fear,
        Expression::Contempt,
    ];

    /// FER+'s name of the class.
    pub fn name(self) -> &'static str {
        ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"][self as usize]
    }

    /// Its action units at full strength. `side` is where one-sided ones stand: 0 left in the picture, 1 right.
    pub fn action_units(self, side: usize) -> ActionUnits {
        use Au::*;
        let mut units = ActionUnits::default();
        let full: &[(Au, f32)] = match self {
            Expression::Neutral => &[],
            Expression::Happiness => &[(Cheek, 0.9), (CornerPull, 1.0), (LipsPart, 0.7)],
            Expression::Surprise => {
                &[(InnerBrow, 1.0), (OuterBrow, 1.0), (UpperLid, 0.9), (JawDrop, 1.0), (LipsPart, 0.6)]
            }
            Expression::Sadness => &[(InnerBrow, 1.0), (BrowLower, 0.45), (CornerDown, 1.0), (Chin, 0.5)],
            Expression::Anger => &[(BrowLower, 1.0), (UpperLid, 0.5), (LidTight, 0.6), (LipTight, 1.0), (Chin, 0.2)],
            Expression::Disgust => &[
                (NoseWrinkle, 1.0),
                (UpperLip, 0.9),
                (CornerDown, 0.5),
                (LowerLip, 0.5),
                (BrowLower, 0.45),
                (LidTight, 0.7),
                (LipsPart, 0.3),
            ],
            Expression::Fear => &[
                (InnerBrow, 1.0),
                (OuterBrow, 0.5),
                (BrowLower, 0.6),
                (UpperLid, 1.0),
                (LidTight, 0.3),
                (LipStretch, 1.0),
                (JawDrop, 0.4),
                (LipsPart, 0.7),
            ],
            Expression::Contempt => &[],
        };
        full.iter().for_each(|&(unit, intensity)| units.set(unit, intensity));
        if self == Expression::Contempt {
            units.set_side(CornerPull, side, 0.75);
            units.set_side(Dimple, side, 1.0);
            units.set_side(Cheek, side, 0.25);
            units.set_side(OuterBrow, side, 0.35);
        }
        units
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_indexed_by_their_place() {
        for (i, unit) in Au::ALL.into_iter().enumerate() {
            assert_eq!(unit as usize, i);
        }
        assert!(Au::ALL.windows(2).all(|w| w[0].number() < w[1].number()));
        assert_eq!((Au::CornerPull.number(), Au::EyesClosed.number()), (12, 43));
    }

    #[test]
    fn contempt_is_the_one_expression_of_one_side() {
        for expression in Expression::ALL {
            for side in 0..2 {
                let units = expression.action_units(side);
                let lopsided = Au::ALL.iter().any(|&u| units.side(u, 0) != units.side(u, 1));
                assert_eq!(lopsided, expression == Expression::Contempt);
            }
        }
        let contempt = Expression::Contempt.action_units(1);
        assert!(contempt.side(Au::Dimple, 1) == 1.0 && contempt.side(Au::Dimple, 0) == 0.0);
    }

    #[test]
    fn blends_take_the_stronger_unit() {
        let blend = Expression::Happiness.action_units(0).scaled(0.5).stronger(&Expression::Surprise.action_units(0));
        assert_eq!((blend.both(Au::CornerPull), blend.both(Au::JawDrop), blend.both(Au::LipsPart)), (0.5, 1.0, 0.6));
        let mut units = ActionUnits::default();
        units.set(Au::Chin, 7.0);
        assert_eq!(units.both(Au::Chin), 1.0);
    }
}

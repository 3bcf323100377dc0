// Which of a visit's shots is the one to show.

// A good one before a poor one, then by quality.
export const bestOf = (shots) => shots.reduce((best, shot) => (rank(shot) > rank(best) ? shot : best));

const rank = (shot) => (shot.quality ?? 0) - (shot.poor ? 10 : 0);

package pdf

import "math"

// box is an axis-parallel rectangle in points with y growing downwards.
type box struct{ x0, y0, x1, y1 float64 }

func (b box) width() float64  { return b.x1 - b.x0 }
func (b box) height() float64 { return b.y1 - b.y0 }
func (b box) middle() float64 { return (b.y0 + b.y1) / 2 }

func (b box) union(o box) box {
	return box{min(b.x0, o.x0), min(b.y0, o.y0), max(b.x1, o.x1), max(b.y1, o.y1)}
}

// glyph is one character as PDFium counts them, at its place on the displayed page.
type glyph struct {
	r       rune // 0 if PDFium knows no character for it
	box     box  // in points of the displayed page
	heading direction
}

// direction is where the next character of a line stands on the displayed page.
type direction uint8

const (
	rightwards direction = iota
	downwards
	leftwards // upside down; not right-to-left scripts, whose characters stand upright
	upwards
)

// view maps PDF user space (y grows upwards, any origin) to the displayed page (origin in the upper
// left corner, crop box and rotation applied).
type view struct {
	width, height    float64 // points, as displayed
	xx, xy, yx, yy   float64 // x' = xx*x + xy*y + dx, y' = yx*x + yy*y + dy
	offsetX, offsetY float64
}

func (v view) point(x, y float64) (float64, float64) {
	return v.xx*x + v.xy*y + v.offsetX, v.yx*x + v.yy*y + v.offsetY
}

func (v view) box(left, bottom, right, top float64) box {
	ax, ay := v.point(left, bottom)
	bx, by := v.point(right, top)
	return box{min(ax, bx), min(ay, by), max(ax, bx), max(ay, by)}
}

// heading turns PDFium's character angle (radians, clockwise in user space) into a direction on the
// displayed page. Slanted text counts as the nearest of the four.
func (v view) heading(angle float64) direction {
	dx := v.xx*math.Cos(angle) - v.xy*math.Sin(angle)
	dy := v.yx*math.Cos(angle) - v.yy*math.Sin(angle)
	switch {
	case math.Abs(dx) >= math.Abs(dy) && dx >= 0:
		return rightwards
	case math.Abs(dx) >= math.Abs(dy):
		return leftwards
	case dy > 0:
		return downwards
	default:
		return upwards
	}
}

// visible says whether the middle of a box lies on the displayed page. What does not is cut off by the
// crop box: a reader never sees it, so it must not be quoted or found either.
func (v view) visible(b box) bool {
	x, y := (b.x0+b.x1)/2, b.middle()
	return x >= 0 && y >= 0 && x <= v.width && y <= v.height
}

// turned gives b in a frame in which a line heading h runs to the right and its next line stands below.
func (v view) turned(b box, h direction) box {
	switch h {
	case downwards:
		return box{b.y0, v.width - b.x1, b.y1, v.width - b.x0}
	case leftwards:
		return box{v.width - b.x1, v.height - b.y1, v.width - b.x0, v.height - b.y0}
	case upwards:
		return box{v.height - b.y1, b.x0, v.height - b.y0, b.x1}
	default:
		return b
	}
}

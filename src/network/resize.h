/* network/resize.h: the kernel of cubic interpolation, which sampling at a grid uses, too. */
#ifndef NETWORK_RESIZE_H
#define NETWORK_RESIZE_H

/* Keys' kernel with the coefficient a at distance t; 0 from |t| = 2 on. */
double peek__cubic(double a, double t);

#endif

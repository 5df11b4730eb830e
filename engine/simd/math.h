#pragma once
static inline vreal vtanh(vreal x){return x;}
static inline vreal verf(vreal x){return x;}
